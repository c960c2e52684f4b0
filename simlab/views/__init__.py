"""Things to touch: the explorer, the gallery and the comparison. No torch."""

from simlab.views._abstention import abstention as abstention
from simlab.views._compare import Comparison as Comparison, compare as compare
from simlab.views._explore import explore as explore
from simlab.views._explorer import Explorer as Explorer
from simlab.views._gallery import Gallery as Gallery, gallery as gallery
