"""A game: a stored training is replayed with only its training error, and the visitor stops it.

It is our own component because a press must count at the epoch that the visitor sees.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import ConfigError
from core.records import EpochRecord
from core.sweep import stopping
from core.sweep.grids import CURED
from core.view.style import COLOURS
from pages.shared.components.component import component
from pages.shared.server import resources

LEVEL = 0.4  # corruption level of the replayed training

_GAME = component(Path(__file__).parent)


def played_run() -> pd.Series | None:
    """Return the stored run to replay, a row of the sweep: AlexNet's or else the small network's."""
    for model in reversed(CURED):
        runs = stopping.validated_runs(resources.sweep(), model)
        runs = runs[(runs.level == LEVEL) & (runs.seed == 0)]
        if len(runs):
            return runs.iloc[0]
    return None


def play(
    run_id: str,
    records: Sequence[EpochRecord],
    save: Callable[[], None],
    stopped: int | None,
    said: str,
) -> None:
    """Show the replay; once it is stopped, show the whole training with the test error.

    save: called at the stop, see `sent_epoch`; stopped: the epoch of the stop, or None; said: the
    sentence to show after the stop.
    """
    tests = [round(record.test_error, 4) for record in records]
    data = {
        "id": run_id,
        "question": (
            "The network studies its photographs, some with wrong labels. Stop it when you think it reads new "
            "photographs best. You see only how often it disagrees with the labels it studies."
        ),
        "training": [round(record.train_error, 4) for record in records],
        "stopped": stopped,
        # Not sent before the stop: a visitor could look it up in the browser.
        "test": tests if stopped is not None else [],
        "best": tests.index(min(tests)) + 1 if stopped is not None else 0,
        "said": said,
        "names": {"training": "training error", "test": "test error"},
        "colours": {"training": COLOURS["training error"], "test": COLOURS["test error"]},
    }
    _GAME(data=data, key="stop_game", on_stop_change=save)


def sent_epoch(epochs: int) -> int:
    """Return the epoch that the browser sent; call it within `save`. Raises ConfigError."""
    try:
        epoch = int(st.session_state.stop_game.stop)
    except (TypeError, ValueError):  # not a message of our page
        epoch = 0
    if not 1 <= epoch <= epochs:
        raise ConfigError("Press Start first, then Stop.")
    return epoch
