"""A gallery of images with their labels, as HTML: one sprite, and tiles that show parts of it.

One sprite for all N images is one message to the browser instead of N.
"""

import base64
import io
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from core.view.style import WRONG_LABEL

COLUMNS = 12  # in the sprite, independent of the page's grid


@dataclass(frozen=True)
class Tile:
    """The text for one image."""

    label: str
    caption: str = ""  # for example the true class, if the label is wrong
    is_wrong: bool = False
    is_unused: bool = False  # greyed: the run does not train on it
    description: str = ""  # for a screen reader


def label_tile(given: str, true: str, unused: str = "") -> Tile:
    """Return the tile of an image with its label, marked if that is wrong.

    unused: why the run does not train on the image; empty if it does.
    """
    if unused:
        return Tile(unused, f"is: {true}", is_unused=True, description=f"a {true}, {unused}")
    if given == true:
        return Tile(given, description=f"a {true}, rightly labeled")
    return Tile(given, f"is: {true}", is_wrong=True, description=f"a {true}, wrongly labeled {given}")


def sprite(images: np.ndarray) -> str:
    """Return one PNG of all images as a data URL; images: (N, 3, H, W) in [0, 255]."""
    count, _, height, width = images.shape
    rows = row_count(count)
    sheet = np.zeros((rows * COLUMNS, height, width, 3), dtype=np.uint8)
    sheet[:count] = np.clip(np.rint(images), 0, 255).transpose(0, 2, 3, 1)
    sheet = sheet.reshape(rows, COLUMNS, height, width, 3).transpose(0, 2, 1, 3, 4)
    content = io.BytesIO()
    Image.fromarray(sheet.reshape(rows * height, COLUMNS * width, 3)).save(
        content, "PNG", compress_level=1
    )
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def row_count(count: int) -> int:
    """Return the number of rows of a sprite of `count` images."""
    return -(-count // COLUMNS)


def background(images: np.ndarray) -> str:
    """Return the CSS that shows the sprite in an element, scaled so that one image fills it."""
    size = f"{COLUMNS * 100}% {row_count(len(images)) * 100}%"
    return f"background-image: url({sprite(images)}); background-size: {size}"


def style(name: str, images: np.ndarray) -> str:
    """Return the style sheet of the gallery `name`, which contains the sprite.

    It is separate from the tiles, so that new labels do not send the images again.
    """
    return f"""<style>
.{name} {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(80px, 1fr)); gap: 6px; }}
.{name} figure {{ margin: 0; text-align: center; border: 3px solid transparent; border-radius: 4px;
  line-height: 1.15; padding-bottom: 3px; }}
.{name} figure div {{ width: 100%; aspect-ratio: 1; image-rendering: pixelated; border-radius: 2px;
  {background(images)}; }}
.{name} figcaption {{ font-size: 0.78rem; padding-top: 2px; }}
.{name} small {{ display: block; font-size: 0.72rem; opacity: 0.75; }}
.{name} .unused div {{ filter: grayscale(1); opacity: 0.55; }}
.{name} .wrong {{ border: 3px dashed {WRONG_LABEL}; }}
.{name} .wrong b::before {{ content: "\\2717\\00a0"; color: {WRONG_LABEL}; }}
</style>"""


def tiles(name: str, tiles: list[Tile]) -> str:
    """Return the tiles of the gallery `name`, in the order of the images in its sprite."""
    rows = row_count(len(tiles))
    figures = []
    for i, tile in enumerate(tiles):
        x = 100 * (i % COLUMNS) / (COLUMNS - 1)
        y = 100 * (i // COLUMNS) / max(1, rows - 1)
        kind = "unused" if tile.is_unused else "wrong" if tile.is_wrong else "right"
        caption = f"<small>{escape(tile.caption)}</small>" if tile.caption else ""
        figures.append(
            f'<figure class="{kind}">'
            f'<div role="img" aria-label="{escape(tile.description or tile.label)}" '
            f'style="background-position: {x:.3f}% {y:.3f}%"></div>'
            f"<figcaption><b>{escape(tile.label)}</b>{caption}</figcaption></figure>"
        )
    return f'<div class="{name}">{"".join(figures)}</div>'
