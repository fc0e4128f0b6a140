"""The component that shows one photograph after another with ten big buttons, later with a time limit.

It is our own component because a limit of a few seconds cannot wait for the server.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from core.data.cifar10 import CLASSES
from core.errors import ConfigError
from core.live.classroom.annotation import LIMIT_SECONDS, TIMED_FROM
from core.view.images import gallery
from pages.shared.components.component import component
from pages.shared.server.cache import cached

_LABELLER = component(Path(__file__).parent)


def show_photos(images: np.ndarray, place: int, save: Callable[[], None]) -> None:
    """Show the photographs from `place` on; save: called after each answer, see `sent_answers`."""
    name = f"named-{zlib.crc32(images.tobytes()):x}"
    st.html(_style(name, images))
    data = {
        "sprite": name,
        "columns": gallery.COLUMNS,
        "rows": gallery.row_count(len(images)),
        "count": len(images),
        "place": place,
        "names": CLASSES,
        "timedFrom": TIMED_FROM,
        "seconds": LIMIT_SECONDS,
    }
    _LABELLER(data=data, key="labeller", on_answers_change=save)


def sent_answers(count: int) -> list[tuple[int, int | None]]:
    """Return the (place, class) pairs that the browser has sent so far; call it within `save`.

    count: the number of photographs. A class of None means that time ran out. Raises ConfigError.
    """
    answers = []
    try:
        for place, label in st.session_state.labeller.answers:
            answers.append((int(place), None if label is None else int(label)))
    except (TypeError, ValueError):
        answers = []
    is_sound = all(
        0 <= place < count and (label is not None or place >= TIMED_FROM) for place, label in answers
    )
    if not answers or not is_sound:  # not a message of our page
        raise ConfigError("Choose one of the ten names.")
    return answers


@cached(32)
def _style(name: str, _images: np.ndarray) -> str:
    return f"<style>.{name} {{ {gallery.background(_images)} }}</style>"
