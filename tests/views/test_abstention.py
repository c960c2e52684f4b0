"""The curve of abstention: one line and one dot for each check."""

import numpy as np
import pytest

from simlab.errors import DataError
from simlab.items import Items
from simlab.space import Embeddings, Index
from simlab.views import abstention


@pytest.fixture(scope="module")
def check():
    rng = np.random.default_rng(0)
    codes = np.tile(np.arange(8), 20)
    vectors = np.eye(8)[codes] + 0.4 * rng.normal(size=(160, 8))
    items = Items.from_arrays(vectors, labels=codes, ids=range(160))
    space = Embeddings(vectors, items)
    return Index(space[:80]).calibrate(space[80:], target={"precision": 0.9}).calibration.reached


def test_the_dot_stands_at_the_calibrated_threshold(check):
    line, dot = abstention(check).data

    assert np.array_equal(line.x, check.abstention["coverage"])
    assert dot.y[0] == pytest.approx(check.value("precision"))
    assert np.isclose(line.x[-1], 1)


def test_several_checks_are_told_apart_by_name_and_color(check):
    figure = abstention({"before": check, "after": check})

    assert [one.name for one in figure.data[::2]] == ["before", "after"]
    assert figure.data[0].line.color != figure.data[2].line.color


@pytest.mark.parametrize("given", [{}, {"a": 3}])
def test_what_is_no_check_is_refused(given):
    with pytest.raises(DataError, match="which index"):
        abstention(given)
