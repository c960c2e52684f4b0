"""The explorer in a page from file://, with neither kernel nor network."""

import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from simlab.reports._page import Figure, Html, Widget, page
from simlab.views._explorer import Explorer

pytestmark = pytest.mark.browser

N, K = 240, 8
EVIL = "<img src=x onerror=alert(1)>"


def neighbors_of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, axis=1)[:, :K]
    return order, 1 / (1 + np.take_along_axis(distance, order, axis=1))


def build() -> tuple[Explorer, np.ndarray, list[str]]:
    """Three overlapping clouds in five dimensions, with pictures, texts and a second column."""
    generator = np.random.default_rng(3)
    kinds = np.arange(N) % 3
    points = generator.normal(size=(N, 5)) + 2.2 * np.eye(3, 5)[kinds]
    names = [EVIL, "green", "teal"]
    labels = [names[kind] for kind in kinds]
    neighbors, similarities = neighbors_of(points)
    explorer = Explorer.of(
        xy=points[:, :2],
        neighbors=neighbors,
        similarities=similarities,
        labels=labels,
        ids=[f"item-{row:03d}" for row in range(N)],
        texts=[f"text of {row}" for row in range(N)],
        thumbnails=[np.full((8, 8, 3), 80 * kind, np.uint8) for kind in kinds],
        colorings={"fold": np.arange(N) % 4},
        projection="first two axes",
        title="Three clouds",
    )
    return explorer, neighbors, labels


@pytest.fixture(scope="module")
def built():
    return build()


@pytest.fixture
def opened(built, offline):
    explorer, _, _ = built
    found = offline(page([Widget(explorer)], title="A page"))
    found.page.wait_for_selector(".simlab-explorer[data-ready=true]")
    yield found
    outside = [url for url in found.requests if not url.startswith(("file:", "blob:", "data:"))]

    assert (outside, found.complaints) == ([], [])


def rows_of(opened) -> list[int]:
    cards = opened.page.locator(".card").all()
    return [int(card.get_attribute("data-row")) for card in cards]


def test_before_a_query_the_gallery_invites_in_words(opened):
    assert rows_of(opened) == []
    assert "Choose a point to see its 8 nearest neighbors" in opened.page.inner_text(".panel")


def test_clicking_a_point_shows_its_neighbors_in_their_order(opened, built):
    opened.click_point(17)

    assert rows_of(opened) == built[1][17].tolist()
    assert opened.trait("query") == 17


def test_right_and_wrong_are_told_by_shape_and_word(opened, built):
    _, neighbors, labels = built
    opened.click_point(30)
    said = opened.page.locator(".card .mark").all_inner_texts()
    lines = opened.page.eval_on_selector_all(
        ".card", "cards => cards.map((card) => getComputedStyle(card).borderStyle)"
    )
    right = [labels[row] == labels[30] for row in neighbors[30]]

    assert said == ["✓ same label" if one else "✗ other label" for one in right]
    assert lines == ["solid" if one else "dashed" for one in right]


def test_the_panel_counts_in_words(opened, built):
    _, neighbors, labels = built
    opened.click_point(30)
    same = sum(labels[row] == labels[30] for row in neighbors[30])
    said = opened.page.inner_text(".query")

    assert f"{same} of {K} neighbors share its label" in said
    assert f"{N // 3 - 1 - same} same-label items are not in the list" in said


def test_the_missing_items_can_be_shown(opened, built):
    _, neighbors, labels = built
    opened.click_point(30)
    opened.page.click(".query .link")
    same = sum(labels[row] == labels[30] for row in neighbors[30])

    assert opened.page.inner_text(".found") == f"{N // 3 - 1 - same} matches"


def test_clicking_a_card_walks_on_and_back_returns(opened, built):
    opened.click_point(17)
    third = int(built[1][17][2])
    opened.page.locator(".card").nth(2).click()
    walked = opened.trait("query")
    opened.page.click(".back")

    assert (walked, opened.trait("query")) == (third, 17)


def test_alt_left_goes_back(opened):
    opened.click_point(17)
    opened.page.locator(".card").first.click()
    opened.page.locator(".surface").focus()
    opened.page.keyboard.press("Alt+ArrowLeft")

    assert opened.trait("query") == 17


def test_the_keyboard_walks_neighbors_and_enter_chooses(opened, built):
    opened.click_point(17)
    opened.page.locator(".surface").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        opened.page.keyboard.press(key)

    assert opened.trait("query") == int(built[1][17][1])
    assert opened.page.evaluate("document.activeElement.className").startswith("card")


def test_search_highlights_and_enter_goes_through_the_matches(opened):
    opened.page.keyboard.press("Tab")
    opened.page.locator(".surface").focus()
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("ITEM-01")
    found = [opened.page.inner_text(".found")]
    queries = []
    for key in ("Enter", "Enter", "Shift+Enter"):
        opened.page.keyboard.press(key)
        queries.append(opened.trait("query"))
    found.append(opened.page.inner_text(".found"))

    assert (found, queries) == (["10 matches", "1 of 10"], [10, 11, 10])


def test_a_search_without_a_match_says_so(opened):
    opened.page.fill(".words[type=search]", "zebra")

    assert opened.page.inner_text(".found") == "no match"


def lasso(opened, around: int, radius: float, *, key: str = "Shift") -> list[int]:
    """Draw a circle around a point; the rows inside, by the pixels the page reports."""
    x, y = opened.point(around)
    mouse = opened.page.mouse
    opened.page.keyboard.down(key)
    mouse.move(x + radius, y)
    mouse.down()
    for step in range(1, 49):
        angle = step * math.pi / 24
        mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle))
    mouse.up()
    opened.page.keyboard.up(key)
    away = [math.dist((x, y), opened.point(row)) for row in range(N)]
    return [row for row in range(N) if away[row] < radius * 0.97], [
        row for row in range(N) if away[row] < radius * 1.03
    ]


def test_a_lasso_selects_what_lies_inside(opened):
    surely, perhaps = lasso(opened, 9, 70)
    selected = opened.selected()

    assert set(surely) <= set(selected) <= set(perhaps)
    assert opened.page.inner_text(".selection").startswith(f"{len(selected)} selected")


def test_a_lasso_adds_with_shift_and_takes_with_alt(opened):
    lasso(opened, 9, 70)
    first = set(opened.selected())
    lasso(opened, 100, 60)
    both = set(opened.selected())
    lasso(opened, 100, 60, key="Alt")
    rest = set(opened.selected())

    assert first < both
    assert rest == first - (both - first) - (first & (both - rest))
    assert opened.page.is_visible(".selection")


def test_escape_clears_the_selection(opened):
    lasso(opened, 9, 70)
    opened.page.locator(".surface").focus()
    opened.page.keyboard.press("Escape")

    assert (opened.selected(), opened.page.is_visible(".selection")) == ([], False)


def test_the_lasso_button_makes_a_plain_drag_draw(opened):
    opened.page.get_by_role("button", name="Lasso").click()
    box = opened.page.locator(".surface").bounding_box()
    corners = [(2, 2), (2, box["height"] - 2), (box["width"] - 2, box["height"] - 2)]
    corners += [(box["width"] - 2, 2)]
    opened.page.mouse.move(box["x"] + 2, box["y"] + 2)
    opened.page.mouse.down()
    for x, y in [*corners, corners[0]]:
        opened.page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    opened.page.mouse.up()

    assert opened.selected() == list(range(N))


def test_colors_can_follow_another_column_or_the_outcome(opened):
    legends = []
    for name in ("fold", "nearest neighbor right or wrong"):
        opened.page.select_option("select", label=name)
        legends.append(opened.page.locator(".entry .clip").all_inner_texts())

    assert legends == [["0", "1", "2", "3"], ["✓ same label", "✗ other label"]]


def test_a_hard_query_is_one_click_away(opened, built):
    _, neighbors, labels = built
    hard = opened.page.locator(".item").first
    row = int(hard.get_attribute("data-row"))
    hard.click()
    same = sum(labels[other] == labels[row] for other in neighbors[row])

    assert opened.trait("query") == row
    assert same == min(
        sum(labels[other] == labels[one] for other in neighbors[one]) for one in range(N)
    )


def test_hovering_tells_what_lies_under_the_pointer(opened):
    x, y = opened.point(5)
    opened.page.mouse.move(x - 3, y)
    opened.page.mouse.move(x, y)

    assert "item-005" in opened.page.inner_text(".tooltip")


def test_dragging_moves_and_the_wheel_zooms_the_map(opened):
    before = opened.point(5), opened.point(6)
    box = opened.page.locator(".surface").bounding_box()
    opened.page.mouse.move(box["x"] + 10, box["y"] + 10)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 40, box["y"] + 30, steps=5)
    opened.page.mouse.up()
    moved = opened.point(5)
    opened.page.mouse.wheel(0, -200)
    opened.page.wait_for_timeout(100)
    spread = math.dist(opened.point(5), opened.point(6)) / math.dist(*before)

    np.testing.assert_allclose(np.subtract(moved, before[0]), [30, 20], atol=0.5)
    assert spread > 1.1


def test_a_query_set_by_the_model_is_followed(opened, built):
    opened.page.evaluate("document.querySelector('[data-widget]').model.set('query', 44)")

    assert rows_of(opened) == built[1][44].tolist()


def test_a_new_projection_moves_the_points_and_keeps_the_query(opened):
    opened.click_point(5)
    before = opened.point(0)
    opened.page.evaluate(
        "() => { const { model } = document.querySelector('[data-widget]');"
        " const old = model.get('xy'); const xy = new Float32Array(old.buffer.slice(0)).reverse();"
        " model.set('xy', new DataView(xy.buffer)); model.set('projection', 'turned'); }"
    )

    assert opened.point(0) != before
    assert opened.trait("query") == 5
    assert opened.page.inner_text(".caption").startswith("turned")


def test_dark_pages_make_a_dark_explorer(opened):
    opened.page.emulate_media(color_scheme="dark")
    opened.page.wait_for_selector(".simlab-explorer[data-theme=dark]")
    shot = Image.open(BytesIO(opened.page.locator(".surface").screenshot())).convert("L")

    assert np.median(np.asarray(shot)) < 60


def test_labels_are_never_read_as_markup(opened):
    opened.click_point(0)

    assert opened.page.locator(".query h3").inner_text() == EVIL
    assert opened.page.locator(".simlab-explorer img").count() == 0


def test_help_opens_and_escape_closes_it(opened):
    opened.page.locator(".surface").focus()
    opened.page.keyboard.press("?")
    shown = opened.page.is_visible(".help")
    opened.page.keyboard.press("Escape")

    assert (shown, opened.page.is_visible(".help")) == (True, False)


def test_a_narrow_page_stacks_gallery_below_map(opened):
    opened.page.set_viewport_size({"width": 560, "height": 900})
    opened.page.wait_for_timeout(100)
    map_box = opened.page.locator(".map").bounding_box()
    panel_box = opened.page.locator(".panel").bounding_box()

    assert panel_box["y"] > map_box["y"] + map_box["height"]


def test_thumbnails_follow_the_row_across_sheets(offline):
    n = 1030
    shades = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    pictures = [np.full((4, 4, 3), shades[row % 3], np.uint8) for row in range(n)]
    explorer = Explorer.of(
        xy=np.c_[np.arange(n), np.arange(n) % 7],
        neighbors=np.full((n, 1), 1028) - (np.arange(n)[:, None] == 1028),
        similarities=np.ones((n, 1)),
        thumbnails=pictures,
        query=4,
    )
    found = offline(page([Widget(explorer)], title="Sheets"))
    found.page.wait_for_selector(".simlab-explorer[data-ready=true]")
    found.page.wait_for_timeout(300)
    shot = Image.open(BytesIO(found.page.locator(".card .thumb").screenshot())).convert("RGB")
    seen = shot.getpixel((shot.width // 2, shot.height // 2))

    assert np.abs(np.subtract(seen, shades[1028 % 3])).max() < 30


def test_few_items_stand_on_the_map_as_pictures(offline):
    shades = [(200, 30, 30), (30, 160, 30), (30, 30, 200)]
    pictures = [np.full((4, 4, 3), shade, np.uint8) for shade in shades]
    explorer = Explorer.of(xy=np.array([[0, 0], [1, 0], [0, 1]]), thumbnails=pictures)
    found = offline(page([Widget(explorer)], title="Pictures"))
    found.page.wait_for_selector(".simlab-explorer[data-ready=true]")
    found.page.wait_for_timeout(300)
    shot = Image.open(BytesIO(found.page.screenshot())).convert("RGB")
    corners = [tuple(round(at) - 10 for at in found.point(row)) for row in range(3)]

    assert np.abs(np.subtract([shot.getpixel(corner) for corner in corners], shades)).max() < 30


@pytest.mark.parametrize("n", [0, 1, 3])
def test_tiny_sets_are_shown_without_complaint(offline, n):
    found = offline(page([Widget(Explorer.of(xy=np.zeros((n, 2))))], title="Tiny"))
    found.page.wait_for_selector(".simlab-explorer[data-ready=true]")

    assert found.complaints == []


def test_two_explorers_and_a_chart_share_a_page(offline, built):
    import plotly.graph_objects as go

    explorer, _, _ = built
    script = Html("<p>words</p><script>document.title = 'broken in'</script>")
    chart = Figure(go.Figure(go.Bar(x=["a", "b"], y=[1, 2])))
    found = offline(page([Widget(explorer), script, Widget(explorer), chart], title="Shared"))
    found.page.wait_for_selector(".plot-container .main-svg")
    found.page.locator(".simlab-explorer[data-ready=true]").nth(1).wait_for()
    found.click_point(3)
    cards = [found.page.locator("[data-widget]").nth(at).locator(".card").count() for at in (0, 1)]
    outside = [url for url in found.requests if not url.startswith(("file:", "blob:", "data:"))]

    assert (cards, outside, found.page.title()) == ([K, 0], [], "Shared")
    assert all("Content Security Policy" in complaint for complaint in found.complaints)
