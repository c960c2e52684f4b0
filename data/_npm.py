"""Helpers shared by the build scripts: pinned npm packages in, a Parquet file out."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@contextmanager
def npm_packages(versions: Mapping[str, str], folder: Path | None = None) -> Iterator[Path]:
    """Install npm packages at exact versions and give the folder that holds them.

    Parameters
    ----------
    versions : Mapping[str, str]
        The exact version of each package, by package name.
    folder : Path, optional
        Where to install. It is kept, and used again by the next run. The default is a temporary
        folder, which is removed at the end.

    Yields
    ------
    Path
        The ``node_modules`` folder.

    Raises
    ------
    SystemExit
        When npm is missing or fails.
    """
    npm = shutil.which("npm")
    if npm is None:
        message = "npm was not found: install Node.js, which brings it, and run this again"
        raise SystemExit(message)
    with tempfile.TemporaryDirectory() as temporary:
        prefix = folder or Path(temporary)
        prefix.mkdir(parents=True, exist_ok=True)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        names = [f"{name}@{version}" for name, version in versions.items()]
        command = [npm, "install", "--prefix", str(prefix), "--save-exact", *options, *names]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            message = f"npm could not install {', '.join(names)}:\n{done.stderr.strip()}"
            raise SystemExit(message)
        yield prefix / "node_modules"


def write_parquet(
    rows: Sequence[Mapping[str, object]],
    schema: pa.Schema,
    path: Path,
    row_group_size: int = 500,
) -> None:
    """Write rows to a Parquet file: aside first, then renamed, so that no half file is seen.

    Parameters
    ----------
    rows : Sequence[Mapping[str, object]]
        The rows, in their final order.
    schema : pyarrow.Schema
        Names and types of the columns. Strings are compressed with zstd; binary columns hold
        pictures, which are compressed already, and are stored as they are.
    path : Path
        The file to write or replace.
    row_group_size : int, default 500
        Rows in a row group.
    """
    binary = {field.name for field in schema if pa.types.is_binary(field.type)}
    aside = path.with_name(f"{path.name}.part")
    pq.write_table(
        pa.Table.from_pylist(list(rows), schema=schema),
        aside,
        row_group_size=row_group_size,
        compression={name: "NONE" if name in binary else "ZSTD" for name in schema.names},
        use_dictionary=[name for name in schema.names if name not in binary | {"id"}],
    )
    aside.replace(path)
    print(f"{path.name}: {len(rows):,} rows, {path.stat().st_size:,} bytes")
