"""The explorer is built from plain arrays, and its traits alone can rebuild it."""

import re
from io import BytesIO

import numpy as np
import pytest
import traitlets
from PIL import Image

from simlab.errors import DataError, ShapeError
from simlab.views._explorer import _PARTS, _STATIC, Explorer

N, K = 12, 3


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    neighbors = (np.arange(N)[:, None] + np.arange(1, K + 1)) % N
    similarities = -np.sort(-generator.random((N, K)), axis=1)
    return {
        "xy": generator.normal(size=(N, 2)),
        "neighbors": neighbors,
        "similarities": similarities,
    }


def test_arrays_cross_as_little_endian_bytes(arrays):
    explorer = Explorer.of(**arrays)
    sent = (
        np.frombuffer(explorer.xy, "<f4").reshape(N, 2),
        np.frombuffer(explorer.neighbors, "<u4").reshape(N, K),
        np.frombuffer(explorer.similarities, "<f4").reshape(N, K),
    )

    for one, two in zip(sent, arrays.values(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_labels_become_codes_of_sorted_names(arrays):
    labels = ["b 10", "b 2", None, "a"] * 3
    explorer = Explorer.of(**arrays, labels=labels)
    codes = np.frombuffer(explorer.label_codes, "<i4").tolist()

    assert (explorer.label_names, codes) == (["a", "b 2", "b 10"], [2, 1, -1, 0] * 3)


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), np.datetime64("NaT")])
def test_every_kind_of_missing_label_is_no_label(arrays, missing):
    explorer = Explorer.of(**arrays, labels=["a"] * (N - 1) + [missing])

    assert np.frombuffer(explorer.label_codes, "<i4").tolist() == [0] * (N - 1) + [-1]


def test_numbers_are_sorted_as_numbers(arrays):
    explorer = Explorer.of(**arrays, labels=np.arange(N))

    assert explorer.label_names == [str(row) for row in range(N)]


def test_ids_are_row_numbers_by_default(arrays):
    assert Explorer.of(**arrays).ids == [str(row) for row in range(N)]


def test_colorings_carry_their_names_and_codes(arrays):
    explorer = Explorer.of(**arrays, colorings={"split": ["train", "test"] * 6})
    [coloring] = explorer.colorings

    assert (coloring["name"], coloring["names"]) == ("split", ["test", "train"])
    assert np.frombuffer(coloring["codes"], "<i4").tolist() == [1, 0] * 6


def test_numbers_of_many_values_cross_as_numbers():
    n = 20
    values = [None, np.inf, *range(n - 2)]
    [coloring] = Explorer.of(xy=np.zeros((n, 2)), colorings={"size": values}).colorings
    sent = np.frombuffer(coloring["values"], "<f4")

    assert "codes" not in coloring
    assert np.isnan(sent[:2]).all()
    assert sent[2:].tolist() == list(range(n - 2))


@pytest.mark.parametrize(
    "values", [[0, 1, 2] * 4, [f"row {row}" for row in range(N)], [*range(N - 1), "none"]]
)
def test_few_numbers_and_names_cross_as_classes(arrays, values):
    [coloring] = Explorer.of(**arrays, colorings={"column": values}).colorings

    assert set(coloring["names"]) == set(map(str, values))


@pytest.mark.parametrize("dim", [3, 200])
def test_a_sketch_of_the_vectors_keeps_their_cosines_and_tells_its_error(dim):
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(400, dim)) + 2 * generator.normal(size=dim)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    explorer = Explorer.of(xy=np.zeros((400, 2)), vectors=unit)
    codes = np.frombuffer(explorer.sketch, np.int8).reshape(400, -1) * explorer.sketch_scale
    off = np.abs(codes @ codes.T - unit @ unit.T)

    assert codes.shape[1] == min(dim, 64)
    assert np.quantile(off, 0.95) == pytest.approx(explorer.sketch_error, rel=0.25)
    assert explorer.sketch_error < 0.1


def test_without_vectors_there_is_no_sketch(arrays):
    assert Explorer.of(**arrays).sketch == b""


def test_bookmarks_are_rows_each_once(arrays):
    explorer = Explorer.of(**arrays)
    explorer.set_state({"bookmarks": [4, 2, 4]})

    assert explorer.bookmarks == [4, 2]


def test_a_bookmark_outside_the_items_is_refused(arrays):
    with pytest.raises(traitlets.TraitError, match="bookmarks must be rows from 0 to 11; got 12"):
        Explorer.of(**arrays).bookmarks = [3, 12]


def test_a_better_map_tells_its_stages_and_takes_the_place_of_the_first(arrays):
    explorer = Explorer.of(**arrays, projection="first")
    told = []
    explorer.observe(lambda change: told.append(change["new"]), names="progress")

    def compute(tell):
        tell("half way")
        return np.ones((N, 2))

    explorer.improve(compute, "better")
    explorer.wait()

    assert told == ["better: starting …", "better: half way …", ""]
    assert (explorer.projection, [one["name"] for one in explorer.other_maps]) == (
        "better",
        ["first"],
    )
    assert np.frombuffer(explorer.xy, "<f4").tolist() == [1] * 2 * N


def test_a_better_map_that_fails_leaves_the_first_and_says_so(arrays):
    explorer = Explorer.of(**arrays, projection="first")

    def compute(_):
        raise DataError("no places")

    explorer.improve(compute, "better")

    assert explorer.wait().projection == "first"
    assert explorer.progress == "better failed, this is still first: no places"


def test_thumbnails_become_sheets_of_the_asked_size(arrays):
    explorer = Explorer.of(**arrays, thumbnails=[np.eye(8)] * N, thumbnail_size=32)
    [sheet] = explorer.sprites

    assert Image.open(BytesIO(sheet)).size == (32 * explorer.sprite_columns, 32)


def test_negative_neighbors_end_a_row(arrays):
    arrays["neighbors"][4, 1:] = -1
    arrays["similarities"][4, 1:] = np.nan
    explorer = Explorer.of(**arrays)

    assert (
        np.frombuffer(explorer.neighbors, "<u4").reshape(N, K)[4].tolist() == [5] + [2**32 - 1] * 2
    )


def test_a_map_without_neighbors_or_items_can_be_shown(arrays):
    sizes = [len(Explorer.of(xy=arrays["xy"][:n]).ids) for n in (N, 1, 0)]

    assert sizes == [N, 1, 0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"xy": np.zeros((N, 3))}, r"xy must have the shape \(n, 2\); got \(12, 3\)"),
        (
            {"neighbors": np.zeros((N - 1, K), int)},
            r"neighbors must have the shape \(12, k\); got \(11, 3\)",
        ),
        (
            {"similarities": np.zeros((N, 2))},
            r"similarities .* neighbors, \(12, 3\); got \(12, 2\)",
        ),
        ({"labels": ["a"]}, r"labels must have one entry per item: got 1 for 12 items"),
        (
            {"texts": ["a"], "ids": [1, 2]},
            r"ids .* got 2 for 12 items; texts .* got 1 for 12 items",
        ),
        ({"thumbnails": []}, r"thumbnails must have one entry per item: got 0"),
        ({"colorings": {"split": [1]}}, r"coloring 'split' must have one entry per item"),
        ({"vectors": np.eye(3)}, r"vectors must have one entry per item: got 3 for 12 items"),
        (
            {"other_maps": {"old": np.eye(3)}},
            r"map 'old' must have the shape \(12, 2\); got \(3, 3\)",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused_together(arrays, change, sentence):
    with pytest.raises(ShapeError, match=sentence):
        Explorer.of(**arrays | change)


@pytest.mark.parametrize(
    ("array", "value", "sentence"),
    [
        ("xy", np.nan, "xy must be finite; 1 row differ: 2"),
        ("similarities", np.inf, "similarities must be finite"),
        ("neighbors", N, "neighbors must be rows from 0 to 11"),
        ("neighbors", 2, "no item may be its own neighbor"),
        ("neighbors", -1, "negative neighbors may only end a row"),
    ],
)
def test_values_that_make_no_sense_are_refused_with_their_rows(arrays, array, value, sentence):
    arrays[array][2, 0] = value
    with pytest.raises(DataError, match=sentence):
        Explorer.of(**arrays)


def test_neighbors_must_be_whole_numbers(arrays):
    with pytest.raises(DataError, match="whole row numbers; got dtype float64"):
        Explorer.of(**arrays | {"neighbors": arrays["neighbors"] / 2})


def test_the_selection_of_the_page_is_read_as_rows_and_ids(arrays):
    explorer = Explorer.of(**arrays, ids=[f"item {row}" for row in range(N)])
    explorer.set_state({"selection": memoryview(np.array([1, 5], "<i4").tobytes())})

    assert (explorer.selected.tolist(), explorer.selected_ids) == ([1, 5], ["item 1", "item 5"])


def test_nothing_is_selected_at_first(arrays):
    assert Explorer.of(**arrays).selected.tolist() == []


def test_the_query_follows_the_page(arrays):
    explorer = Explorer.of(**arrays)
    heard = []
    explorer.observe(lambda change: heard.append(change["new"]), names="query")
    explorer.set_state({"query": 7})

    assert (explorer.query, heard) == (7, [7])


@pytest.mark.parametrize("row", [N, -2])
def test_a_query_outside_the_items_is_refused(arrays, row):
    with pytest.raises(traitlets.TraitError, match="query must be a row from 0 to 11, or -1"):
        Explorer.of(**arrays, query=row)


def test_the_repr_says_what_it_is_and_how_to_share_it(arrays):
    said = repr(Explorer.of(**arrays, labels=["a", "b"] * 6))

    assert said == (
        "Explorer of 12 items, 2 labels, 3 neighbors each; "
        "nothing to see? sl.report(...) makes a page"
    )


def test_fifty_thousand_items_take_no_time_to_speak_of():
    n = 50_000
    rows = np.arange(n)
    explorer = Explorer.of(
        xy=np.zeros((n, 2)),
        neighbors=(rows[:, None] + np.arange(1, 11)) % n,
        similarities=np.ones((n, 10)),
        labels=rows % 20,
        texts=["a text"] * n,
    )
    size = sum(map(len, (explorer.xy, explorer.neighbors, explorer.similarities)))

    assert size == n * (8 + 40 + 40)


def test_the_joined_module_is_small_and_imports_nothing():
    assert not re.search(
        r"^\s*import\b|^export (?!default)|https?://(?!www\.w3\.org)", Explorer._esm, re.MULTILINE
    )
    assert len(Explorer._esm) < 80_000


def test_no_two_parts_of_the_module_share_a_name():
    names = [
        name
        for part in _PARTS
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)",
            (_STATIC / f"{part}.js").read_text("utf-8"),
            re.MULTILINE,
        )
    ]

    assert sorted(names) == sorted(set(names))


def test_every_part_stands_after_those_it_imports():
    seen: set[str] = set()
    for part in _PARTS:
        text = (_STATIC / f"{part}.js").read_text("utf-8")
        needed = set(
            re.findall(r"^import \{.*?\} from \"\./(\w+)\.js\"", text, re.MULTILINE | re.DOTALL)
        )

        assert needed <= seen, part
        seen.add(part)
