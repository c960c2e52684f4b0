"""Tiny models of the libraries' own classes, with random weights: nothing is downloaded."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import encoder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "blue",
    "car",
    "fox",
    "red",
    "runs",
    "stops",
    "the",
]
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
}


def tokenizer(*, ends=True, **options):
    """Make a tokenizer of a dozen words, by default with a mark at the end of a text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    fast = Tokenizer(models.WordLevel({word: row for row, word in enumerate(WORDS)}, "[UNK]"))
    fast.normalizer, fast.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    if ends:
        fast.post_processor = processors.TemplateProcessing("$A [SEP]", None, [("[SEP]", 3)])
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"} | options
    return PreTrainedTokenizerFast(tokenizer_object=fast, **special)


def image_processor(kind="ViTImageProcessor"):
    """Make an image processor for pictures of 16 by 16 pixels."""
    import transformers

    return getattr(transformers, kind)(
        size={"height": 16, "width": 16}, crop_size={"height": 16, "width": 16}
    )


def bert(seed=0, **options):
    """Make a BERT of two layers."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    settings = SMALL | {"vocab_size": len(WORDS), "max_position_embeddings": 12} | options
    return BertModel(BertConfig(**settings))


def vit(seed=0):
    """Make a vision transformer for four patches."""
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(seed)
    return ViTModel(ViTConfig(**SMALL, image_size=16, patch_size=8))


def clip(seed=0):
    """Make a CLIP and its processor."""
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor

    torch.manual_seed(seed)
    text = SMALL | {"vocab_size": len(WORDS), "max_position_embeddings": 12, "eos_token_id": 3}
    vision = SMALL | {"image_size": 16, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
    processor = CLIPProcessor(image_processor("CLIPImageProcessor"), tokenizer())
    return CLIPModel(config), processor


class OpenClipLike(nn.Module):
    """A model with the methods of open_clip's."""

    def __init__(self):
        super().__init__()
        self.visual, self.embedding = nn.Linear(3, 4), nn.Embedding(30, 4)

    def encode_image(self, image, *, normalize=False):
        features = self.visual(image.mean(dim=(2, 3)))
        return features / features.norm(dim=-1, keepdim=True) if normalize else features

    def encode_text(self, text, *, normalize=False):
        features = self.embedding(text).mean(dim=1)
        return features / features.norm(dim=-1, keepdim=True) if normalize else features


class Features(nn.Module):
    """A model as timm's: features, and a head that can stop before the classes."""

    __module__ = "timm.models.tiny"
    default_cfg = {"architecture": "tiny_net"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 5, 2), nn.Linear(5, 1000)

    def forward_features(self, x):
        return self.body(x)

    def forward_head(self, x, *, pre_logits=False):
        x = x.mean(dim=(2, 3))
        return x if pre_logits else self.head(x)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


def pixels(picture):
    """Preprocess a picture as open_clip and torchvision do: one tensor, channels first."""
    return torch.from_numpy(np.array(picture.resize((8, 8)), np.float32).transpose(2, 0, 1) / 255)


def letters(texts, length=20):
    """Tokenize as open_clip does: one row of numbers per text, all of one length."""
    rows = [[ord(one) % 30 for one in text[:length].ljust(length)] for text in texts]
    return torch.tensor(rows)


def open_clip_like(seed=0):
    """Make an encoder of both towers."""
    torch.manual_seed(seed)
    return encoder(OpenClipLike(), preprocess=pixels, tokenizer=letters)


@pytest.fixture(scope="session")
def tiny():
    """Return the makers of this file by name: `tiny.bert(seed)`."""
    makers = (bert, clip, image_processor, letters, open_clip_like, pixels, tokenizer, vit)
    own = {"Features": Features, "OpenClipLike": OpenClipLike}
    return SimpleNamespace(**own, **{one.__name__: one for one in makers})


@pytest.fixture
def timm(monkeypatch):
    """Put a stand-in where the package timm would be; returns what its preprocessing was asked."""
    asked = {}

    def create_transform(**settings):
        asked.update(settings)
        return pixels

    data = SimpleNamespace(
        resolve_model_data_config=lambda model: {"input_size": model.body.kernel_size},
        create_transform=create_transform,
    )
    package = ModuleType("timm")
    package.data = data
    monkeypatch.setitem(sys.modules, "timm", package)
    monkeypatch.setitem(sys.modules, "timm.data", data)
    return asked
