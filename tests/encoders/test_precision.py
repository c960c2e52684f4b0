"""bfloat16 only on request, and never without its price."""

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import embed, encoder
from simlab.encoders.models._precision import agreement
from simlab.errors import ChoiceError
from simlab.items import Items


@pytest.fixture
def layer():
    return nn.Linear(6, 4)


@pytest.fixture
def numbers():
    return Items.from_arrays(np.random.default_rng(0).normal(size=(40, 6)).astype("f4"))


def test_bfloat16_is_kept_apart_and_close(layer, numbers):
    exact = embed(numbers, encoder(layer), progress=False)
    fast = embed(numbers, encoder(layer, precision="bfloat16"), progress=False)

    assert not (fast.vectors == exact.vectors).all()
    np.testing.assert_allclose(fast.vectors, exact.vectors, atol=0.05)
    assert fast.source.fingerprint != exact.source.fingerprint


def test_its_agreement_is_printed_once_when_it_is_first_encoded(layer, numbers, capsys):
    for _ in range(2):
        embed(numbers, encoder(layer, precision="bfloat16"), progress=False)

    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("Linear in bfloat16 keeps 0.")
    assert line.endswith("9)") or "smallest cosine" in line
    assert "of the 10 nearest neighbors of float32 (40 items" in line


def test_float32_prints_nothing(layer, numbers, capsys):
    embed(numbers, encoder(layer), progress=False)

    assert capsys.readouterr().out == ""


def test_an_unknown_precision_is_refused(layer):
    with pytest.raises(ChoiceError, match="precision must be one of 'bfloat16', 'float32'"):
        encoder(layer, precision="float8")


def test_agreement_counts_common_neighbors():
    """Two lines of points; turning one of them round keeps half of the neighbors."""
    angles = np.linspace(0, 1, 8)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    assert agreement(circle, circle)[0] == 1
    kept, cosine = agreement(np.eye(24)[:12], np.random.default_rng(0).normal(size=(12, 24)))
    assert kept == pytest.approx(10 / 11, abs=0.2)
    assert cosine < 0.9


@pytest.mark.real
def test_real_encoders_run_in_bfloat16(capsys):
    from simlab.items import load

    items = load("emoji-styles")[:24]
    fast = embed(items, encoder("efficientnet-lite0", precision="bfloat16"), progress=False)
    exact = encoder("efficientnet-lite0").encode(items.content[:])

    assert "efficientnet-lite0 in bfloat16 keeps 0." in capsys.readouterr().out
    cosine = torch.cosine_similarity(torch.tensor(fast.vectors), torch.from_numpy(exact))
    assert 0.9 < cosine.min() < 0.99999
