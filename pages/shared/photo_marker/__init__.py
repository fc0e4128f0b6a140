"""Photographs of which a visitor marks those whose labels they trust least.

A component of our own because nothing of Streamlit's is a picture that can be pressed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from core.data.cifar10 import CLASSES
from core.errors import ConfigError
from core.view import gallery
from core.view.charts.style import WRONG_LABEL
from pages.shared.component import component
from pages.shared.keeping import keep

MOST = 10  # marks

_MARKER = component(Path(__file__).parent)


def ask(
    images: np.ndarray, given: Sequence[int], true: Sequence[int], save: Callable[[], None]
) -> None:
    """The photographs with the labels given. save: called when MOST are marked; see `marked`."""
    _MARKER(data=_shared(images, given, true), key="photo_marker", on_marks_change=save)


def tell(
    images: np.ndarray, given: Sequence[int], true: Sequence[int], marks: Sequence[int], said: str
) -> None:
    """The same with the truth; marks: places of those that were marked."""
    data = {**_shared(images, given, true), "marked": list(marks), "said": said}
    _MARKER(data=data, key="photo_marker", on_marks_change=lambda: None)


def marked(count: int) -> list[int]:
    """The places that were sent, of `count` photographs; within `save`. Raises ConfigError."""
    try:
        marks = sorted({int(place) for place in st.session_state.photo_marker.marks})
    except (TypeError, ValueError):  # no message of our own page
        marks = []
    if len(marks) != MOST or not all(0 <= place < count for place in marks):
        raise ConfigError(f"Mark {MOST} photographs first.")
    return marks


def _shared(images: np.ndarray, given: Sequence[int], true: Sequence[int]) -> dict:
    name = f"marked-{abs(hash(images.tobytes()))}"
    st.html(_style(name, images.shape[0], images))
    tiles = [{"given": CLASSES[a], "real": CLASSES[b]} for a, b in zip(given, true, strict=True)]
    return {
        "id": name + "".join(map(str, given)),
        "sprite": name,
        "columns": gallery.COLUMNS,
        "rows": -(-len(images) // gallery.COLUMNS),
        "tiles": tiles,
        "most": MOST,
        "send": "Show which are wrong",
    }


@keep(8)
def _style(name: str, count: int, _images: np.ndarray) -> str:
    rows = -(-count // gallery.COLUMNS)
    return (
        f"<style>.{name} {{ background-image: url({gallery.sprite(_images)}); "
        f"background-size: {gallery.COLUMNS * 100}% {rows * 100}% }} :root {{ --wrong: {WRONG_LABEL} }}</style>"
    )
