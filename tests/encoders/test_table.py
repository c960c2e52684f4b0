"""The table of ENCODERS.md: every line in it makes an encoder."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from torch import nn

import simlab.encoders
from simlab.encoders import Encoder, embed, encoder

PAGE = Path(simlab.encoders.__file__).parent / "ENCODERS.md"
LINES = re.findall(
    r"^\| [^`\n]*(?:`[^`]*`, )*[^\n|]*\| `(.+?)` \|", PAGE.read_text("utf8"), re.MULTILINE
)
READY = ("minilm", "wordllama", "efficientnet")
TEXTS = ["a red fox", "a blue car", "the fox runs"]


class Weights:
    """As the weights of torchvision."""

    def __init__(self, preprocess):
        self.preprocess = preprocess

    def transforms(self):
        return self.preprocess


@pytest.fixture
def known(tiny, items, counting, tmp_path, monkeypatch):
    """Return what the lines name."""
    monkeypatch.chdir(tmp_path)
    Path("wiki.vec").write_text("red 1 0\nfox 0 1\n", encoding="utf-8")
    for part in (tiny.bert(), tiny.tokenizer()):
        part.save_pretrained("models/my-bert")
    clip, clip_processor = tiny.clip()
    return {name: getattr(simlab.encoders, name) for name in simlab.encoders.__dict__} | {
        "TfidfVectorizer": TfidfVectorizer,
        "TruncatedSVD": TruncatedSVD,
        "also_to_shared": encoder(clip, processor=clip_processor.tokenizer),
        "bert": tiny.bert(),
        "clip": clip,
        "clip_image": encoder(clip, processor=clip_processor.image_processor),
        "clip_processor": clip_processor,
        "embeddings": embed(items, counting, progress=False),
        "image_processor": tiny.image_processor(),
        "items": items,
        "make_pipeline": make_pipeline,
        "module": nn.Flatten(),
        "my_own": counting,
        "np": np,
        "open_clip_model": tiny.OpenClipLike(),
        "preprocess": tiny.pixels,
        "resnet": nn.Flatten(),
        "texts": TEXTS,
        "timm_model": tiny.Features(),
        "to_batch": tiny.letters,
        "to_shared": encoder(clip, processor=clip_processor.image_processor),
        "to_tensor": tiny.pixels,
        "tokenize": tiny.letters,
        "tokenizer": tiny.tokenizer(),
        "training_rows": [{"price": 1.0, "color": "red"}, {"price": 2.0, "color": "blue"}],
        "vectors": np.eye(12),
        "vit": tiny.vit(),
        "weights": Weights(tiny.pixels),
    }


def test_the_table_was_found():
    assert len(LINES) == PAGE.read_text("utf8").count("\n| ") - 2


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, marks=[pytest.mark.real] * any(name in line for name in READY))
        for line in LINES
    ],
)
@pytest.mark.usefixtures("timm")
def test_every_line_of_the_table_makes_an_encoder(line, known):
    if "sentence_transformer" in line:
        known["sentence_transformer"] = sentences()
    made = eval(line, known)  # noqa: S307 (our own page)

    assert isinstance(made, Encoder)
    assert hasattr(made, "dim") or made is known["my_own"]
    assert "\n" not in repr(made)


def sentences():
    """Make a SentenceTransformer of the tiny BERT that was saved."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    return SentenceTransformer(modules=[Transformer("models/my-bert"), Pooling(16)], device="cpu")
