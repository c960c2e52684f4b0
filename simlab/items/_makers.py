"""All the ways to make Items: one class method for each kind of thing that people bring."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from simlab.items import _forms, _sources

if TYPE_CHECKING:
    import pyarrow as pa

    from simlab.items._content import Content
    from simlab.items._links import Links
    from simlab.items._storing import Told


class Makers:
    """The class methods of Items that make them."""

    if TYPE_CHECKING:

        def __init__(self, content: Content, table: pa.Table, links: Links = ...) -> None: ...

    @classmethod
    def from_arrays(cls, content: Any, labels: Any = None, ids: Any = None) -> Self:
        """Make items from an array, a list of str, a list of PIL images, or several of these.

        Parameters
        ----------
        content : ndarray of shape (n, ...), or list of str, PIL images, bytes, Paths or arrays
            One entry per item. Arrays must be finite; float and integer types are kept. Items of
            several parts: a mapping from names to such lists, or a list of mappings. Pictures and
            texts in one list are told apart by the column `modality`. The content of other items
            is shared, not copied.
        labels : sequence of length n, optional
            What each item is; None where it is not known. Strings, integers or anything else
            hashable; a list or set of them for items with several labels; a tuple, or strings
            such as "animal/dog", for labels of several levels (all must have as many).
        ids : sequence of length n, optional
            A unique name per item. By default a short hash of the set and the row number.

        Returns
        -------
        Items

        Raises
        ------
        DataError
            Empty content, NaN or infinite numbers, entries that are no content, an item without
            one of the parts, repeated ids.
        ShapeError
            Not one label or id per item, parts of different lengths, or arrays of different
            shapes.

        Examples
        --------
        >>> from simlab.items import Items
        >>> import numpy as np
        >>> Items.from_arrays(np.eye(4), labels=[0, 0, 1, 1])
        Items: 4 arrays of shape (4,), 2 labels
        >>> Items.from_arrays({"title": ["Fox", "Car"], "size": [[0.6, 0.4], [4.5, 1.8]]})
        Items: 2 items of title and size
        """
        return cls(*_sources.from_arrays(content, labels, ids))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        content: "Told" = "content",
        label: str | None = "label",
        id: str | None = None,  # noqa: A002
        *,
        unreadable: str = "error",
    ) -> Self:
        """Make items from a pandas or polars frame; the other columns come along.

        Parameters
        ----------
        frame : pandas.DataFrame or polars.DataFrame
            One row per item.
        content : str, sequence or mapping, default="content"
            The column of texts, of image files (`pathlib.Path`), PIL images or arrays. Items of
            several parts: a list of columns, or a mapping from the name of each part to its
            column, or to a list of columns, which are then a row of a table.
        label : str or None, default="label"
            The column of labels; None for items without labels.
        id : str, optional
            The column of unique names. Without it names are made, and a column called `id` is
            left out.
        unreadable : {"error", "skip"}, default="error"
            What to do with image files that cannot be read, as in `from_folder`.

        Raises
        ------
        ChoiceError
            A column that the frame does not have.
        DataError
            Missing or unreadable content.

        Examples
        --------
        >>> from simlab.items import Items
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"text": ["pay", "bill"], "intent": ["money", "money"]})
        >>> Items.from_frame(frame, content="text", label="intent")
        Items: 2 texts, 1 label
        >>> Items.from_frame(frame, content=["text", "intent"], label=None)
        Items: 2 items of text and intent
        """
        return cls(*_sources.from_frame(frame, content, label, id, unreadable))

    @classmethod
    def from_folder(cls, folder: str | Path, *, unreadable: str = "error") -> Self:
        """Make items from a folder of pictures: each sub-folder is a label.

        Parameters
        ----------
        folder : str or Path
            Holds one folder per label. Pictures are read when needed; their ids are their paths,
            from the name of the folder on.
        unreadable : {"error", "skip"}, default="error"
            `"skip"` leaves out files that are no pictures, and labels without pictures, with a
            warning that counts and names them; every picture is decoded once to find them.

        Raises
        ------
        DataError
            No such folder, a label without pictures, or files that are no pictures (the first
            are named).

        Examples
        --------
        >>> from simlab.items import Items
        >>> Items.from_folder("no-such-folder")
        Traceback (most recent call last):
        simlab.errors.DataError: folder must exist; got 'no-such-folder'
        """
        return cls(*_sources.from_folder(folder, unreadable))

    @classmethod
    def from_dataset(
        cls, dataset: Any, content: "Told" = "image", label: str | None = "label"
    ) -> Self:
        """Make items from a Hugging Face `datasets.Dataset`, sharing its memory map.

        Parameters
        ----------
        dataset : datasets.Dataset
            An image column is left undecoded; class labels are turned into their names.
        content : str, sequence or mapping, default="image"
            The column of images, texts or number arrays; or several, as in `from_frame`.
        label : str or None, default="label"
            The column of labels.

        Raises
        ------
        ChoiceError
            A column that the data set does not have.

        Examples
        --------
        >>> from simlab.items import Items
        >>> from datasets import Dataset
        >>> rows = Dataset.from_dict({"text": ["pay", "bill"], "label": ["money", "money"]})
        >>> Items.from_dataset(rows, content="text")
        Items: 2 texts, 1 label
        """
        return cls(*_sources.from_dataset(dataset, content, label))

    @classmethod
    def from_pairs(
        cls, anchors: Any, positives: Any, scores: Any = None, groups: Any = None
    ) -> Self:
        """Make items from pairs: things that belong together, or how much they do.

        Equal content becomes one item. Without scores, what pairs connect is one class, and its
        number the label. With scores only the pairs themselves are known.

        Parameters
        ----------
        anchors, positives : sequences of length p
            Content, as for `from_arrays`; for instance questions and answers. Where both are of
            different modality, as pictures and captions, each is compared with the other side
            only; see `as_pairs`.
        scores : sequence of length p, optional
            Similarity in [0, 1].
        groups : sequence of length p, optional
            Items of other groups are strangers; within a group only what the pairs say is known.
            Without groups and scores, what is not connected is strange.

        Returns
        -------
        Items
            The distinct contents, with the columns `role` (`"anchor"` or `"positive"`), and
            `label` or `group`.

        Raises
        ------
        ShapeError
            Sequences of different lengths.
        DataError
            A score outside [0, 1]; an item in two groups.

        Examples
        --------
        >>> from simlab.items import Items
        >>> items = Items.from_pairs(["hi", "hello", "car"], ["hello", "hey", "auto"])
        >>> items, items.labels.tolist()
        (Items: 5 texts, 2 labels, [0, 0, 1, 0, 1])
        >>> items.similarity.relevance([0], [3, 4])
        array([[1., 0.]], dtype=float32)
        """
        return cls(*_forms.from_pairs(anchors, positives, scores, groups))

    @classmethod
    def from_triplets(cls, anchors: Any, positives: Any, negatives: Any) -> Self:
        """Make items from triplets: an anchor is nearer to its positive than to its negative.

        Parameters
        ----------
        anchors, positives, negatives : sequences of length t
            Content, as for `from_arrays`. An entry of positives or negatives may be a list: then
            there are several for this anchor (n-tuples).

        Returns
        -------
        Items
            The distinct contents, with the column `role`. Only what the triplets say is known.

        Raises
        ------
        ShapeError
            Sequences of different lengths.

        Examples
        --------
        >>> from simlab.items import Items
        >>> items = Items.from_triplets(["hi"], ["hello"], [["car", "bus"]])
        >>> items.similarity.relevance([0], [1, 2, 3])
        array([[1., 0., 0.]], dtype=float32)
        """
        return cls(*_forms.from_triplets(anchors, positives, negatives))

    @classmethod
    def concat(cls, parts: Any, *, shared_labels: bool = False) -> Self:
        """Put several sets together, whose labels need not match.

        Between items of two sets nothing is known: training compares within a set only, and
        scores are told for each set.

        Parameters
        ----------
        parts : mapping of str to Items, or sequence of Items
            The names become the column `source`. Sets of different modality become one of
            various kinds, with the column `modality`.
        shared_labels : bool, default=False
            Equal labels mean the same in all sets, and other ones are strangers.

        Returns
        -------
        Items
            With the column `source`. Labels get the name of their set in front, and so do ids if
            some are equal.

        Raises
        ------
        DataError
            No sets; arrays of different shapes; items with other parts.

        Examples
        --------
        >>> from simlab.items import Items
        >>> cars = Items.from_arrays(["mini", "van"], labels=["small", "large"])
        >>> dogs = Items.from_arrays(["poodle", "dane"], labels=["small", "large"])
        >>> both = Items.concat({"cars": cars, "dogs": dogs})
        >>> both.label_names
        ('cars: large', 'cars: small', 'dogs: large', 'dogs: small')
        """
        return cls(*_forms.concat(parts, shared_labels=shared_labels))
