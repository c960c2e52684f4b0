"""Packages that are missing, and models in folders that need them."""

import sys

import pytest

from simlab.encoders import encoder
from simlab.errors import MissingExtraError


@pytest.mark.parametrize(
    ("file", "package"),
    [("modules.json", "sentence_transformers"), ("config.json", "transformers")],
)
def test_a_missing_package_names_the_line_that_installs_it(file, package, tmp_path, monkeypatch):
    (tmp_path / file).touch()
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError) as caught:
        encoder(tmp_path)

    assert str(caught.value) == (
        f"the model in {str(tmp_path)!r} needs {package}; install it with: "
        'pip install "simlab[text]"'
    )


def test_a_missing_package_of_timm_is_told_by_its_own_error(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)

    with pytest.raises(ImportError):
        encoder(tiny.Features())
