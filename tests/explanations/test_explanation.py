import re

import numpy as np
import pytest
from PIL import Image

from simlab.explanations import explain

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def foxes(reader, ask):
    encoder = reader(lambda text: [text.split().count("fox"), 1.0], name="bag")
    texts = ["a red fox", "one fox", "a car"]
    return explain(ask(texts, encoder, labels=["fox", "fox", "car"]), encoder, progress=False)


@pytest.fixture
def squares(reader, ask):
    arrays = np.random.default_rng(0).normal(size=(6, 6, 6))
    encoder = reader(lambda item: item[:3].ravel())
    labels = ["x", "x", "y", "y", "x", "y"]
    return explain(ask(arrays, encoder, labels=labels), encoder, pairs=2, grid=3, progress=False)


def colors_of(html):
    return re.findall(r"rgba\((0,114,178|213,94,0),([\d.]+)\)", html.split("</style>")[-1])


# -- the value ---------------------------------------------------------------------------------


def test_an_explanation_says_itself_in_a_sentence(foxes):
    assert repr(foxes) == (
        "Explanation: 1 of 2 neighbors is 'fox'; the nearest has similarity 1.00, and the nearest "
        "of another label, 'car', is 0.29 less similar (2 pairs by words, bag)"
    )


def test_the_frame_has_one_row_per_pair_side_and_part(squares):
    assert len(squares.frame) == 2 * 2 * 9


def test_the_frame_names_words(foxes):
    assert foxes.frame["part"].tolist()[:5] == ["a", "red", "fox", "one", "fox"]


def test_the_frame_holds_the_weights(squares):
    of_query = squares.frame.query("side == 'query'")["weight"].to_numpy().reshape(2, 3, 3)

    assert np.array_equal(of_query, [pair.query_weights for pair in squares.pairs])


def test_the_scale_is_the_largest_weight_of_all_pairs_whatever_its_sign(squares):
    weights = squares.frame["weight"].abs()

    assert squares.scale == weights.max()


@pytest.mark.parametrize(("donors", "said"), [(1, "1 other item;"), (2, "2 other items;")])
def test_the_method_is_stated(reader, ask, donors, said):
    encoder = reader(lambda item: item.ravel())
    found = ask(np.random.default_rng(0).normal(size=(6, 4, 4)), encoder)
    explanation = explain(found, encoder, donors=donors, progress=False)

    assert f"each cell was replaced by that of {said}" in explanation.method


def test_the_method_for_words_is_to_leave_them_out(foxes):
    assert foxes.method == "each word was left out; the figure is the fall of the similarity"


# -- the card ----------------------------------------------------------------------------------


def test_the_card_opens_with_the_evidence_in_words(foxes):
    assert "1 of 2 neighbors is &#x27;fox&#x27;" in foxes._repr_html_()


def test_the_card_says_whether_the_prediction_is_right(foxes):
    assert "✓ so is the query" in foxes._repr_html_()


def test_the_card_states_the_method(foxes):
    assert foxes.method[1:] in foxes._repr_html_()


def test_the_card_prints_the_end_of_the_colour_scale(foxes):
    assert f"+{foxes.scale:.2f} brings them together" in foxes._repr_html_()


def test_the_strongest_word_has_the_strongest_colour(foxes):
    opacities = [float(opacity) for _, opacity in colors_of(foxes._repr_html_())]

    assert max(opacities) == 0.8


def test_weights_of_all_pairs_share_one_colour_scale(foxes):
    first = foxes.pairs[0].query_weights[2]
    second = foxes.pairs[1].query_weights[2]
    opacities = [float(opacity) for _, opacity in colors_of(foxes._repr_html_())]

    assert opacities[7] == pytest.approx(0.8 * abs(second) / max(abs(first), abs(second)), abs=0.01)


def test_negative_weights_are_shown_in_the_other_colour(foxes):
    drawn = colors_of(foxes._repr_html_())
    holding_apart = foxes.pairs[1].query_weights[2]

    assert holding_apart < 0
    assert drawn[7][0] == "213,94,0"


def test_each_word_has_its_figure_as_a_title(foxes):
    assert f'title="+{foxes.pairs[0].query_weights[2]:.2f}">fox</span>' in foxes._repr_html_()


def test_each_cell_has_its_figure_as_a_title(squares):
    titles = re.findall(r'title="row \d, column \d: ', squares._repr_html_())

    assert len(titles) == 2 * 2 * 9


def test_nothing_is_normalized_when_no_part_matters(reader, ask):
    encoder = reader(lambda _: [1.0, 0.0])
    explanation = explain(ask(["a b", "c", "d"], encoder), encoder, progress=False)

    assert "every figure is 0" in explanation._repr_html_()


def test_the_card_holds_no_script_of_a_label_a_word_or_a_name(reader, ask):
    encoder = reader(lambda text: [len(text), 1.0], name=HOSTILE)
    texts = [f"{HOSTILE} one", f"{HOSTILE} two", "three"]
    found = ask(texts, encoder, labels=[HOSTILE, HOSTILE, f"{HOSTILE}2"])
    html = explain(found, encoder, progress=False)._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_quotes_in_a_label_cannot_leave_an_attribute(reader, ask):
    encoder = reader(lambda text: [len(text), 1.0])
    found = ask(['" onmouseover="x', "b", "c"], encoder, labels=['" onload="x', "b", "c"])
    html = explain(found, encoder, progress=False)._repr_html_()

    assert not re.search(r'" on(load|mouseover)="', html)


@pytest.mark.parametrize(
    "content",
    [
        np.random.default_rng(0).normal(size=(5, 9)),
        np.random.default_rng(0).normal(size=(5, 60)),
        np.random.default_rng(0).normal(size=(5, 8, 12)),
        np.random.default_rng(0).integers(0, 256, (5, 12, 8, 3), dtype=np.uint8),
        np.random.default_rng(0).normal(size=(5, 3, 8, 8)),
        np.random.default_rng(0).normal(size=(5, 8, 8, 7)),
        np.random.default_rng(0).normal(size=(5, 2, 2, 2, 2)),
        [Image.effect_noise((30 + 4 * n, 20), 60) for n in range(5)],
        ["", "a", "b b", "c c c", "d"],
    ],
    ids=[
        "values",
        "many values",
        "plane",
        "rgb",
        "channels first",
        "bands",
        "4-d",
        "pictures",
        "texts",
    ],
)
def test_every_kind_of_item_has_a_card(content, reader, ask):
    encoder = reader(
        lambda item: [len(item), 1.0] if isinstance(item, str) else np.resize(item, 64)
    )
    html = explain(ask(content, encoder, k=2), encoder, progress=False)._repr_html_()

    assert len(re.findall(r'class="side[ "]', html)) == 4


def test_the_card_of_a_gallery_without_labels_says_so(reader, ask):
    encoder = reader(lambda text: [len(text), 1.0])
    html = explain(ask(["a b", "c", "d"], encoder), encoder, progress=False)._repr_html_()

    assert "2 neighbors without a label" in html


def test_labels_beyond_the_first_few_are_counted_together(reader, ask):
    encoder = reader(lambda text: [len(text), 1.0])
    found = ask(list("abcdefg"), encoder, labels=list("abcdefg"))
    html = explain(found, encoder, progress=False)._repr_html_()

    assert "2 other labels" in html


def test_the_card_needs_no_encoder(squares, reader, monkeypatch):
    monkeypatch.delattr(reader, "encode")

    assert "Why these neighbors?" in squares._repr_html_()
