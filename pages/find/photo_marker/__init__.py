"""The component in which a visitor marks the photographs whose labels they trust least.

It is our own component because Streamlit has no picture that can be pressed.
"""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.data.cifar10 import CLASSES
from core.errors import ConfigError
from core.view.images import gallery
from core.view.style import WRONG_LABEL
from pages.shared.components.component import component
from pages.shared.server.cache import cached

MOST = 10  # marks

_MARKER = component(Path(__file__).parent)


def show_photos(
    images: np.ndarray, given: Sequence[int], true: Sequence[int], save: Callable[[], None]
) -> None:
    """Show the photographs with their labels; save: called once MOST are marked, see `sent_marks`."""
    _MARKER(data=_shared(images, given, true), key="photo_marker", on_marks_change=save)


def show_truth(
    images: np.ndarray, given: Sequence[int], true: Sequence[int], marks: Sequence[int], said: str
) -> None:
    """Show the photographs with the truth; marks: places of the marked ones; said: the result."""
    data = {**_shared(images, given, true), "marked": list(marks), "said": said}
    _MARKER(data=data, key="photo_marker", on_marks_change=lambda: None)


def sent_marks(count: int) -> list[int]:
    """Return the marked places that the browser sent; call it within `save`. Raises ConfigError."""
    marks = marks_of(st.session_state.photo_marker.marks, count)
    if not marks:  # not a message of our page
        raise ConfigError(f"Mark {MOST} photographs first.")
    return marks


def marks_of(sent: Any, count: int) -> list[int]:
    """Check marks from a browser or an address: return MOST different places below `count`, or none."""
    try:
        marks = sorted({int(place) for place in sent})
    except (TypeError, ValueError):
        return []
    is_sound = len(marks) == MOST and all(0 <= place < count for place in marks)
    return marks if is_sound else []


def _shared(images: np.ndarray, given: Sequence[int], true: Sequence[int]) -> dict:
    name = f"marked-{zlib.crc32(images.tobytes()):x}"
    st.html(_style(name, images))
    tiles = [{"given": CLASSES[a], "real": CLASSES[b]} for a, b in zip(given, true, strict=True)]
    return {
        "id": name + "".join(map(str, given)),
        "sprite": name,
        "columns": gallery.COLUMNS,
        "rows": gallery.row_count(len(images)),
        "tiles": tiles,
        "most": MOST,
        "send": "Show which are wrong",
    }


@cached(8)
def _style(name: str, _images: np.ndarray) -> str:
    return (
        f"<style>.{name} {{ {gallery.background(_images)} }} :root {{ --wrong: {WRONG_LABEL} }}</style>"
    )
