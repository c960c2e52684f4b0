"""Where demo data and the cache are."""

from pathlib import Path

import pytest

from simlab import _folders
from simlab._folders import cache_folder, data_folder


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Pretend that simlab is installed, not checked out."""
    package = tmp_path / "site-packages" / "simlab"
    (package / "_data").mkdir(parents=True)
    monkeypatch.setattr(_folders, "_PACKAGE", package)
    monkeypatch.setattr(_folders, "_CHECKOUT", package.parent)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SIMLAB_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return package


def test_the_environment_variable_wins(monkeypatch):
    monkeypatch.setenv("SIMLAB_CACHE", "~/mine")

    assert cache_folder() == Path.home() / "mine"


def test_a_checkout_keeps_its_cache_in_data(monkeypatch):
    monkeypatch.delenv("SIMLAB_CACHE")

    assert cache_folder() == Path(__file__).parents[1] / "data" / "cache"


def test_an_installed_package_keeps_it_in_the_cache_of_the_user(installed, tmp_path):  # noqa: ARG001
    assert cache_folder() == tmp_path / "home" / ".cache" / "simlab"


def test_the_cache_of_the_user_may_be_elsewhere(installed, monkeypatch):  # noqa: ARG001
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")

    assert cache_folder() == Path("/elsewhere/simlab")


def test_an_installed_package_carries_its_data(installed):
    assert data_folder() == installed / "_data"


def test_a_checkout_has_its_data_beside_the_package():
    assert (data_folder() / "emoji-styles.parquet").exists()
