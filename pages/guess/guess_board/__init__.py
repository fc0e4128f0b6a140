"""The component in which a visitor draws a guess on a chart, which then shows the truth on top.

The visitor draws with finger, mouse or keys. It is our own component because nobody can draw on a
chart of Streamlit's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.config import LEVELS
from core.errors import ConfigError
from core.sweep.figures import Guess, level_means
from core.view.style import COLOURS
from pages.shared.components.component import component

QUESTIONS = (
    "First: how often does the network disagree with the labels it has studied? Draw your line.",
    "And how often does it misread new photographs? Draw that line, too.",
)
QUANTITIES = ("training error", "test error")  # in the order of the questions

_BOARD = component(Path(__file__).parent)


def show_empty_board(save: Callable[[], None]) -> None:
    """Show the empty chart, one question at a time; save: called with a guess, see `sent_guess`."""
    _BOARD(data=_shared(), key="guess_board", on_guess_change=save)


def show_truth(guess: Guess, ours: pd.DataFrame, said: str) -> None:
    """Show a guess and what happened.

    guess: test errors and training errors; ours: rows of the sweep; said: the sentence above them.
    """
    means = level_means(ours)
    truth = []
    for quantity in QUANTITIES:
        known = means[means.quantity == quantity].set_index("level").error
        truth.append([round(float(known[level]), 4) if level in known else None for level in LEVELS])
    test, training = guess
    data = {**_shared(), "guess": [list(training), list(test)], "truth": truth, "said": said}
    _BOARD(data=data, key="guess_board", on_guess_change=lambda: None)


def sent_guess() -> tuple[list[float], list[float]]:
    """Return the test and training errors that the browser sent; call it within `save`.

    Raises ConfigError.
    """
    guess = st.session_state.guess_board.guess
    try:
        return _numbers(guess["test"]), _numbers(guess["training"])
    except (KeyError, TypeError, ValueError):  # not a message of our page
        raise ConfigError("Draw both lines first.") from None


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in values]


def _shared() -> dict[str, Any]:
    return {
        "levels": list(LEVELS),
        "questions": list(QUESTIONS),
        "names": list(QUANTITIES),
        "colours": [COLOURS[quantity] for quantity in QUANTITIES],
        "next": "Next question",
        "send": "That is my guess: show me what happened",
    }
