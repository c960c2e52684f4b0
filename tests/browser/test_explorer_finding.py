"""Finding items in the explorer: colors, votes, lists, filters, bookmarks and axes, in a page."""

import colorsys
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from simlab.reports._page import Widget, page
from simlab.views._explorer import Explorer

pytestmark = pytest.mark.browser

N, K = 60, 5
EVIL = "</script><img src=x onerror=alert(1)>"
NAMES = ["ash", "elm", EVIL]
kinds_of = None
KINDS = np.arange(N) % 3
HEIGHTS = np.where(np.arange(N) == 7, np.nan, np.arange(N) * 1.5)


def vectors() -> np.ndarray:
    """Three clouds by kind; items 0 and 3 lie in the cloud of another kind."""
    kinds = KINDS.copy()
    kinds[[0, 3]] = 1
    noise = np.random.default_rng(5).normal(scale=0.25, size=(N, 3))
    found = np.eye(3)[kinds] + noise
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype("f4")


UNIT = vectors()
SIMILARITY = UNIT @ UNIT.T
ORDER = np.argsort(-(SIMILARITY - 9 * np.eye(N)), axis=1, kind="stable")[:, :K]
VOTES = [Counter(KINDS[ORDER[row]].tolist()) for row in range(N)]


def build(**more) -> Explorer:
    return Explorer.of(
        xy=UNIT[:, :2],
        neighbors=ORDER,
        similarities=np.take_along_axis(SIMILARITY, ORDER, axis=1),
        labels=[NAMES[kind] for kind in KINDS],
        ids=[f"tree-{row:02d}" for row in range(N)],
        texts=[f"it stands at {row}" for row in range(N)],
        colorings={"split": np.where(np.arange(N) < 40, "train", "test"), "height": HEIGHTS},
        vectors=UNIT,
        other_maps={"turned": UNIT[:, 1:]},
        projection="plain",
        **more,
    )


@pytest.fixture
def opened(offline):
    found = offline(page([Widget(build())], title="A page"))
    found.page.wait_for_selector(".simlab-explorer[data-ready=true]", timeout=15_000)
    yield found
    outside = [url for url in found.requests if not url.startswith(("file:", "blob:", "data:"))]

    assert (outside, found.complaints) == ([], [])


def color_by(opened, name):
    opened.page.select_option(".color-by select", label=name)


def listed(opened) -> list[int]:
    return [int(item.get_attribute("data-row")) for item in opened.page.locator(".row .item").all()]


def tab(opened, name):
    opened.page.get_by_role("tab", name=name).click()


def filter_by(opened, column):
    if not opened.page.is_visible(".filters"):
        opened.page.get_by_role("button", name="Filter", exact=True).click()
    opened.page.select_option(".filters select", label=column)


# -- colors ---------------------------------------------------------------------------------


def test_colors_are_offered_for_label_columns_outcomes_and_similarity(opened):
    offered = opened.page.locator(".color-by option").all_inner_texts()

    assert offered[:3] == ["label", "split", "height"]
    assert offered[3:5] == ["prediction (vote of neighbors)", "nearest neighbor right or wrong"]
    assert offered[5:] == ["share of same-label neighbors", "similarity to the query"]


def test_a_prediction_is_the_vote_of_the_neighbors(opened):
    color_by(opened, "prediction (vote of neighbors)")
    names = opened.page.locator(".entry .clip").all_inner_texts()
    numbers = map(int, opened.page.locator(".entry .number").all_inner_texts())
    told = dict(zip(names, numbers, strict=True))
    clear = [votes.most_common(1)[0] for votes in VOTES]
    counts = Counter(kind for kind, n in clear if 2 * n > K)
    tied = sum(2 * n <= K for _, n in clear)

    assert sum(told.values()) == N
    assert all(0 <= told[NAMES[kind]] - counts[kind] <= tied for kind in range(3))


def test_the_panel_tells_the_prediction_and_whether_it_is_right(opened):
    opened.click_point(3)
    said = opened.page.inner_text(".facts")

    assert f"Predicted by their vote: ✗ elm ({VOTES[3][1]} of {K})" in said


def test_numbers_have_a_scale_with_the_range_of_most_and_an_entry_for_none(opened):
    color_by(opened, "height")
    numbers = opened.page.locator(".scale .number").all_inner_texts()

    assert numbers == ["≤ 1.5", "≥ 87"]
    assert opened.page.inner_text(".entry").split() == ["no", "height", "1"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_scale_changes_lightness_all_the_way_for_color_blind_readers(opened, scheme):
    opened.page.emulate_media(color_scheme=scheme)
    opened.page.wait_for_selector(f".simlab-explorer[data-theme={scheme}]")
    color_by(opened, "height")
    shot = Image.open(BytesIO(opened.page.locator(".scale .bar").screenshot())).convert("RGB")
    row = [shot.getpixel((at, shot.height // 2)) for at in range(4, shot.width - 4, 12)]
    lightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in row]

    assert lightness == sorted(lightness, reverse=scheme == "light")
    assert max(lightness) - min(lightness) > 80
    assert colorsys.rgb_to_hsv(*row[0])[0] != colorsys.rgb_to_hsv(*row[-1])[0]


def test_similarity_to_the_query_is_that_of_the_vectors(opened):
    color_by(opened, "similarity to the query")
    before = opened.page.inner_text(".legend")
    opened.click_point(12)
    x, y = opened.point(20)
    opened.page.mouse.move(x - 3, y)
    opened.page.mouse.move(x, y)
    told = opened.page.inner_text(".tooltip").split("similarity to the query: ")[1].split()[0]

    assert "Choose a point" in before
    assert abs(float(told.replace("\N{MINUS SIGN}", "-")) - SIMILARITY[12, 20]) < 0.02


# -- lists ----------------------------------------------------------------------------------


def test_labels_that_the_neighbors_doubt_are_listed_with_their_vote(opened):
    tab(opened, "Doubtful labels")
    doubted = {
        row
        for row, votes in enumerate(VOTES)
        if votes.most_common(1)[0][0] != KINDS[row] and 2 * votes.most_common(1)[0][1] > K
    }

    assert set(listed(opened)) == doubted >= {0, 3}
    assert "say “elm”" in opened.page.inner_text(".row")


def test_confused_labels_are_counted_and_open_their_items(opened):
    nearest = KINDS[ORDER[:, 0]]
    wrong = Counter(zip(KINDS.tolist(), nearest.tolist(), strict=True))
    (one, other), most = max(
        ((pair, n) for pair, n in wrong.items() if pair[0] != pair[1]), key=lambda found: found[1]
    )
    tab(opened, "Confused labels")
    pair = opened.page.locator(".pair").first
    told = pair.locator("> .number").inner_text()
    pair.click()
    rows = listed(opened)

    assert told == f"{most} of 20"
    assert len(rows) == most
    assert wrong[KINDS[rows[0]], nearest[rows[0]]] == most == wrong[one, other]


def test_missing_items_are_listed_the_most_similar_first(opened):
    opened.click_point(12)
    opened.page.click(".query .link")
    rows = listed(opened)
    missing = set(np.flatnonzero(KINDS[12] == KINDS).tolist()) - {12} - set(ORDER[12].tolist())

    assert set(rows) == missing
    assert np.diff(SIMILARITY[12, rows]).max() < 0.02
    assert "not among the neighbors of tree-12" in opened.page.inner_text(".standing")


def test_an_empty_list_says_how_to_fill_it(opened):
    said = []
    for name in ("Found", "Selected", "Bookmarks"):
        tab(opened, name)
        said.append(opened.page.inner_text(".lists > .muted"))

    assert [text.split()[0] for text in said] == ["Search,", "Draw", "Keep"]


def test_tabs_are_walked_by_arrows(opened):
    opened.page.get_by_role("tab", name="Hardest queries").focus()
    opened.page.keyboard.press("ArrowRight")

    assert opened.page.inner_text("[role=tab][aria-selected=true]") == "Confused labels"
    assert opened.page.evaluate("document.activeElement.textContent") == "Confused labels"


def test_an_item_chosen_from_a_list_by_keyboard_keeps_the_focus(opened):
    tab(opened, "Doubtful labels")
    opened.page.locator(".row .item").nth(1).focus()
    opened.page.keyboard.press("Enter")
    focused = opened.page.evaluate("Number(document.activeElement.dataset.row)")

    assert focused == opened.trait("query")


# -- bookmarks ------------------------------------------------------------------------------


def test_a_bookmark_is_kept_in_the_state_listed_and_taken_off(opened):
    opened.click_point(12)
    opened.page.get_by_role("button", name="Bookmark (b)").click()
    opened.click_point(20)
    opened.page.locator(".surface").focus()
    opened.page.keyboard.press("b")
    tab(opened, "Bookmarks")
    kept = opened.trait("bookmarks"), listed(opened)
    opened.page.locator(".row .item").first.click()
    opened.page.get_by_role("button", name="Take the bookmark off (b)").click()

    assert kept == ([12, 20], [12, 20])
    assert (opened.trait("query"), opened.trait("bookmarks")) == (12, [20])


def test_bookmarks_from_python_are_listed(offline):
    found = offline(page([Widget(build(query=2))], title="A page"))
    found.page.wait_for_selector(".simlab-explorer[data-ready=true]", timeout=15_000)
    found.set_trait("bookmarks", [5, 1])
    tab(found, "Bookmarks")

    assert listed(found) == [5, 1]


# -- filters --------------------------------------------------------------------------------


def test_a_filter_by_class_counts_names_and_can_be_selected(opened):
    filter_by(opened, "split")
    opened.page.get_by_role("checkbox", name="test").check()
    said = opened.page.inner_text(".standing")
    opened.page.get_by_role("button", name="Select these").click()

    assert "20 of 60 items" in said
    assert "split is test" in said
    assert opened.selected() == list(range(40, 60))


def test_filters_and_search_must_all_hold_and_leave_one_by_one(opened):
    filter_by(opened, "split")
    opened.page.get_by_role("checkbox", name="test").check()
    filter_by(opened, "label")
    opened.page.get_by_role("checkbox", name="elm").check()
    opened.page.fill(".words", "tree-4")
    counts = [opened.page.inner_text(".standing b")]
    opened.page.get_by_role("button", name="Remove: “tree-4”").click()
    counts.append(opened.page.inner_text(".standing b"))
    opened.page.get_by_role("button", name="Remove: split is test").click()
    counts.append(opened.page.inner_text(".standing b"))
    opened.page.get_by_role("button", name="Clear", exact=True).click()
    both = sum(row % 3 == 1 and 40 <= row < 50 for row in range(N))
    assert counts == [f"{n} of 60 items" for n in (both, sum(KINDS[40:] == 1), sum(KINDS == 1))]
    assert not opened.page.is_visible(".standing")
    assert opened.page.evaluate("document.activeElement.className") == "surface"


def test_numbers_are_filtered_by_a_range(opened):
    filter_by(opened, "height")
    opened.page.get_by_label("From", exact=True).fill("30")
    opened.page.get_by_label("To", exact=True).fill("60")
    opened.page.keyboard.press("Tab")

    assert "height from 30 to 60" in opened.page.inner_text(".standing")
    assert listed(opened) == [row for row in range(N) if 30 <= HEIGHTS[row] <= 60]


def test_a_range_turned_round_is_explained(opened):
    filter_by(opened, "height")
    opened.page.get_by_label("From", exact=True).fill("60")
    opened.page.get_by_label("To", exact=True).fill("30")
    opened.page.keyboard.press("Tab")

    assert "must not be above" in opened.page.inner_text(".filters [role=alert]")


def test_no_item_is_said_in_words(opened):
    opened.page.fill(".words", "zebra")

    assert opened.page.inner_text(".standing b") == "None of 60 items"
    assert not opened.page.get_by_role("button", name="Select these").is_visible()


def test_the_keyboard_alone_filters_and_selects(opened):
    keys = opened.page.keyboard
    opened.page.locator(".surface").focus()
    keys.press("f")
    opened.page.select_option(".filters select", label="split")
    for key in ("Tab", "Space", "Escape", "a"):
        keys.press(key)

    assert opened.selected() == list(range(40, 60))
    assert opened.page.evaluate("document.activeElement.textContent") == "Filter"


def test_a_lasso_takes_only_what_is_not_faded(opened):
    opened.page.fill(".words", "elm")
    opened.page.get_by_role("button", name="Lasso").click()
    box = opened.page.locator(".surface").bounding_box()
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = left + box["width"] - 4, top + box["height"] - 4
    opened.page.mouse.move(left, top)
    opened.page.mouse.down()
    for corner in ((left, bottom), (right, bottom), (right, top), (left, top)):
        opened.page.mouse.move(*corner, steps=4)
    opened.page.mouse.up()

    assert opened.selected() == np.flatnonzero(KINDS == 1).tolist()


# -- maps -----------------------------------------------------------------------------------


def test_the_map_can_be_changed_for_another_that_came_along(opened):
    before = opened.point(4)
    opened.page.get_by_role("button", name="Map", exact=True).click()
    opened.page.get_by_role("button", name="turned").click()

    assert opened.point(4) != before
    assert opened.page.inner_text(".caption").startswith("turned")


def test_what_is_still_computed_is_said_until_it_is_ready(opened):
    opened.set_trait("progress", "UMAP: loading …")
    said = opened.page.inner_text(".progress")
    opened.set_trait("progress", "")

    assert said == "UMAP: loading …"
    assert not opened.page.is_visible(".progress")


def test_axes_run_from_one_label_to_another(opened):
    opened.page.get_by_role("button", name="Map", exact=True).click()
    opened.page.get_by_label("Right: more like").select_option(label="ash")
    opened.page.get_by_label("Right: less like").select_option(label="elm")
    opened.page.get_by_role("button", name="Draw these axes").click()
    centers = np.stack([UNIT[kind == KINDS].sum(axis=0) for kind in (0, 1)])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    wanted = UNIT @ (centers[0] - centers[1])
    seen = [opened.point(row)[0] for row in range(N)]

    assert np.corrcoef(wanted, seen)[0, 1] > 0.999
    assert opened.page.inner_text(".caption").startswith("right: ash \N{MINUS SIGN} elm; up: ")


def test_a_map_that_becomes_ready_does_not_take_axes_of_ones_own_away(opened):
    opened.page.get_by_role("button", name="Map", exact=True).click()
    opened.page.get_by_role("button", name="Draw these axes").click()
    before = opened.page.inner_text(".caption")
    opened.set_trait("projection", "better")
    after = opened.page.inner_text(".caption")
    opened.page.keyboard.press("Escape")
    opened.page.get_by_role("button", name="Map", exact=True).click()
    opened.page.get_by_role("button", name="better").click()

    assert before == after
    assert opened.page.inner_text(".caption").startswith("better")


def test_axes_of_the_query_need_one(opened):
    opened.page.get_by_role("button", name="Map", exact=True).click()
    opened.page.get_by_label("Up: more like").select_option(label="the query")
    opened.page.get_by_role("button", name="Draw these axes").click()

    assert "Choose a point first" in opened.page.inner_text(".formula")


# -- markup ---------------------------------------------------------------------------------


def test_hostile_labels_stay_words_in_every_list_filter_and_axis(opened):
    for name in ("Confused labels", "Doubtful labels"):
        tab(opened, name)
    filter_by(opened, "label")
    opened.page.get_by_role("checkbox", name=EVIL).check()
    opened.page.keyboard.press("Escape")
    opened.page.get_by_role("button", name="Map", exact=True).click()

    assert f"label is {EVIL}" in opened.page.inner_text(".standing")
    assert opened.page.locator(".simlab-explorer img").count() == 0
