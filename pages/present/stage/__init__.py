"""What leads the story on its page: keys of a keyboard or a remote, touches, time.

In the browser, where the keys are: arrows and PageUp and PageDown, Home and End, P to play or
pause, B for a black screen, F for the full one. Any touch pauses; after a quiet minute the
story starts anew. Where reduced motion is asked for it does not play by itself. The screen
is kept awake where the browser allows it (over https, or on this machine).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pages.shared.components.component import component

_STAGE = component(Path(__file__).parent)


def show_controls(
    step: int, titles: Sequence[str], seconds: Sequence[float], go: Callable[[], None]
) -> None:
    """The controls. go: called when another step is wanted, which `requested_step` then tells."""
    data = {"step": step, "titles": list(titles), "seconds": list(seconds), "plays": True}
    _STAGE(data=data, key="stage", on_step_change=go)


def requested_step() -> int:
    """The step that was asked for; within `go`."""
    return int(st.session_state.stage.step)
