"""What is compared: items with content, labels and splits."""

from simlab.items._appending import appended as appended
from simlab.items._content import (
    MIXED as MIXED,
    VARIOUS as VARIOUS,
    Content as Content,
    modality_of as modality_of,
)
from simlab.items._demo import load as load
from simlab.items._duplicates import (
    Duplicates as Duplicates,
    duplicates as duplicates,
    ranks as ranks,
    warned as warned,
)
from simlab.items._items import Items as Items
from simlab.items._links import (
    linked as linked,
    similarity_between as similarity_between,
    split_codes as split_codes,
)
from simlab.items._quaterion import from_quaterion as from_quaterion
from simlab.items._selection import as_positions as as_positions
from simlab.items._similarity import Similarity as Similarity
