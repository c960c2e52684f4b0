"""Things to touch: the explorer, the gallery, the comparison and the monitor. No torch."""

from simlab.views._abstention import abstention as abstention
from simlab.views._compare import compare as compare
from simlab.views._comparison import Comparison as Comparison
from simlab.views._confusion_map import confusion_map as confusion_map
from simlab.views._explore import explore as explore
from simlab.views._explorer import Explorer as Explorer
from simlab.views._gallery import Gallery as Gallery, gallery as gallery
from simlab.views._monitor import Monitor as Monitor
