"""The wheel: all of the package, its data and its front end, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build a wheel as users get it; returns the open archive."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
    subprocess.run([*command, *options, "--wheel-dir", folder, str(ROOT)], check=True)
    [file] = folder.glob("simlab-*.whl")
    with zipfile.ZipFile(file) as archive:
        yield archive


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "simlab").rglob("*")
        if path.suffix in {".css", ".html", ".js", ".py", ".typed"}
    }

    assert wanted - set(wheel.namelist()) == set()


@pytest.mark.parametrize("kind", [".js", ".css"])
def test_the_front_end_is_in_the_wheel(wheel, kind):
    assert [name for name in wheel.namelist() if "/static/" in name and name.endswith(kind)]


def test_demo_data_and_its_licences_are_in_the_wheel(wheel):
    licences = {f"simlab/_data/LICENSES/{path.name}" for path in (ROOT / "data/LICENSES").iterdir()}
    data = {"simlab/_data/emoji-styles.parquet", "simlab/_data/wordnet-glosses.parquet"}

    assert (licences | data | {"simlab/_data/README.md"}) - set(wheel.namelist()) == set()


def test_demo_data_is_not_changed_on_the_way(wheel):
    name = "emoji-styles.parquet"

    assert wheel.read(f"simlab/_data/{name}") == (ROOT / "data" / name).read_bytes()


def test_nothing_but_the_package_is_in_the_wheel(wheel):
    strays = [
        name
        for name in wheel.namelist()
        if not name.startswith(("simlab/", "simlab-")) or "__pycache__" in name
    ]

    assert strays == []


def test_the_licence_is_in_the_wheel(wheel):
    assert any(name.endswith("LICENSE") for name in wheel.namelist())


def test_an_installed_wheel_finds_its_demo_data(wheel, tmp_path):
    wheel.extractall(tmp_path)
    script = "import simlab, sys; print(simlab.__file__); print(simlab.load('wordnet-glosses'))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{script}"]
    told = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    assert told.stdout.splitlines() == [
        str(tmp_path / "simlab" / "__init__.py"),
        "Items: 3,840 texts, 24 labels",
    ]
