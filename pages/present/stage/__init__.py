"""The component that controls the story: by keys of a keyboard or a remote, by touches, by time.

It runs in the browser, which gets the keys: arrows, PageUp and PageDown, Home and End, P to play or
pause, B for a black screen, F for full screen. Any touch pauses the story; after a quiet minute it
starts again. With reduced motion it does not play by itself. The screen is kept awake if the
browser allows it (over https or on localhost).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pages.shared.components.component import component

_STAGE = component(Path(__file__).parent)


def show_controls(
    step: int, titles: Sequence[str], seconds: Sequence[float], go: Callable[[], None]
) -> None:
    """Show the controls; go: called when a visitor asks for another step, see `requested_step`."""
    data = {"step": step, "titles": list(titles), "seconds": list(seconds), "plays": True}
    _STAGE(data=data, key="stage", on_step_change=go)


def requested_step() -> int:
    """Return the step that the browser sent; call it within `go`."""
    return int(st.session_state.stage.step)
