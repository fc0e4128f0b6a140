"""The component in which a visitor chooses one of several photographs."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from core.errors import ConfigError
from core.view.images import gallery
from pages.shared.components.component import component
from pages.shared.frame.frame import action
from pages.shared.server.cache import cached

KEY = "photo_choice"
_CHOICE = component(Path(__file__).parent)


def choose_photo(
    images: np.ndarray, names: Sequence[str], chosen: int, choose: Callable[[int], object]
) -> None:
    """Show photographs, (N, 3, H, W), with their names; choose: called with the place of a pressed one."""
    sprite = f"choice-{zlib.crc32(images.tobytes()):x}"
    st.html(_style(sprite, images))

    def take() -> None:
        place = getattr(st.session_state[KEY], "chosen", None)
        if place is None:  # Streamlit also calls this when it resets the trigger
            return
        if not isinstance(place, int) or not 0 <= place < len(names):
            raise ConfigError("That is not one of these photographs: choose one of them.")
        choose(place)

    data = {
        "sprite": sprite,
        "columns": gallery.COLUMNS,
        "rows": gallery.row_count(len(images)),
        "names": list(names),
        "chosen": chosen,
    }
    _CHOICE(data=data, key=KEY, on_chosen_change=action(take))


def place_in(address: str, count: int) -> int:
    """Return the place of a photograph that an address names, or 0 for anything else."""
    is_place = address.isdecimal() and len(address) < 6 and int(address) < count
    return int(address) if is_place else 0


@cached(8)
def _style(name: str, _images: np.ndarray) -> str:
    return f"<style>.{name} {{ {gallery.background(_images)} }}</style>"
