"""Build ``emoji-styles.parquet``: 400 emoji, each drawn in five art styles.

The drawings come from npm packages, so this needs npm, and ``resvg-py`` to render SVG.
"""

import argparse
import io
import json
import random
from pathlib import Path

import pyarrow as pa
from _npm import npm_packages, write_parquet
from PIL import Image

try:
    import resvg_py
except ImportError as error:
    NEEDED = "resvg-py is missing: pip install resvg-py==0.5.0, and run this again"
    raise SystemExit(NEEDED) from error

# Iconify sets hold SVG by name: style, version, licence. The first one gives names and codes.
ICONIFY = {
    "noto": ("1.2.9", "Apache-2.0"),
    "noto-v1": ("1.2.5", "Apache-2.0"),
    "twemoji": ("1.2.5", "CC-BY-4.0"),
    "emojione": ("1.2.3", "CC-BY-4.0"),
}
FLUENT = "@lobehub/fluent-emoji-3d"  # WebP pictures of 256 pixels, by code; MIT
CATEGORIES = "emoji-datasource-google"  # categories and subcategories, by code
VERSIONS = {f"@iconify-json/{style}": version for style, (version, _) in ICONIFY.items()}
VERSIONS |= {FLUENT: "1.1.0", CATEGORIES: "16.0.0"}
CLASSES, SEED = 400, 0
RENDERED, SIDE = 192, 96
COLUMNS = ("name", "style", "category", "subcategory", "licence")
SCHEMA = pa.schema(
    [("id", pa.string()), ("image", pa.binary()), *((column, pa.string()) for column in COLUMNS)],
)


def read_json(path: Path) -> dict | list:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def plain(code: str) -> str:
    """Give an emoji code in lower case without variation selectors."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def render(icons: dict, slug: str) -> bytes:
    """Render an icon of an Iconify set, following aliases, as PNG."""
    while slug in icons["aliases"]:
        slug = icons["aliases"][slug]["parent"]
    size, body = (icons["width"], icons["height"]), icons["icons"][slug]["body"]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {size[0]} {size[1]}">{body}</svg>'
    )
    options = {"width": RENDERED, "height": RENDERED, "skip_system_fonts": True}
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, **options))


def to_webp(picture: bytes) -> bytes:
    """Scale a picture down, lay it on white and encode it as WebP."""
    drawing = Image.open(io.BytesIO(picture)).convert("RGBA")
    drawing = drawing.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", drawing.size, "white")
    canvas.alpha_composite(drawing)
    out = io.BytesIO()
    canvas.convert("RGB").save(out, "WEBP", quality=80, method=6)
    return out.getvalue()


def build(modules: Path) -> list[dict[str, object]]:
    """Make the rows from the installed packages.

    An emoji qualifies when Noto draws it under its own name, the other Iconify sets know that name
    (maybe as an alias), Fluent has its code, bare or with one variation selector at the end, and
    its category is known. Of those, in order of name, a seeded sample is taken.

    Parameters
    ----------
    modules : Path
        The ``node_modules`` folder.

    Returns
    -------
    list[dict[str, object]]
        Rows sorted by name, then style.
    """
    sets = {style: read_json(modules / f"@iconify-json/{style}/icons.json") for style in ICONIFY}
    chars = read_json(modules / "@iconify-json/noto/chars.json")
    entries = read_json(modules / CATEGORIES / "emoji.json")
    known = {plain(entry["unified"]): entry for entry in entries}
    fluent = {path.stem: path for path in (modules / FLUENT / "assets").glob("*.webp")}
    shared = set(sets["noto"]["icons"])
    shared &= set.intersection(*({*s["icons"], *s["aliases"]} for s in sets.values()))
    found = {}
    for code, slug in chars.items():
        picture = fluent.get(code) or fluent.get(f"{code}-fe0f")
        if slug in shared and picture and plain(code) in known:
            found[slug] = (picture, known[plain(code)])
    rows = []
    for slug in random.Random(SEED).sample(sorted(found), CLASSES):  # noqa: S311
        picture, entry = found[slug]
        name, kinds = slug.replace("-", " "), (entry["category"], entry["subcategory"])
        drawn = {style: (render(sets[style], slug), ICONIFY[style][1]) for style in sets}
        drawn["fluent-3d"] = (picture.read_bytes(), "MIT")
        for style, (image, licence) in drawn.items():
            row = dict(zip(COLUMNS, (name, style, *kinds, licence), strict=True))
            rows.append({"id": f"{style}/{slug}", "image": to_webp(image), **row})
    return sorted(rows, key=lambda row: (row["name"], row["style"]))


def main() -> None:
    """Read the command line, build the rows and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).with_name("emoji-styles.parquet")
    parser.add_argument("--output", type=Path, default=default, help="file to write")
    parser.add_argument("--packages", type=Path, help="folder to keep the npm packages in")
    options = parser.parse_args()
    with npm_packages(VERSIONS, options.packages) as modules:
        write_parquet(build(modules), SCHEMA, options.output)


if __name__ == "__main__":
    main()
