"""A stored training, replayed with its training error only, that a visitor stops by hand.

A component of our own because a press must count at the very epoch that is seen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import ConfigError
from core.records import EpochRecord
from core.sweep import cures
from core.sweep.grids import CURED
from core.view.style import COLOURS
from pages.shared.components.component import component
from pages.shared.server import resources

LEVEL = 0.4  # of the training that is stopped

_GAME = component(Path(__file__).parent)


def played_run() -> pd.Series | None:
    """The stored run that is replayed, a row of the sweep: AlexNet's, or else the small network's."""
    for model in reversed(CURED):
        runs = cures.validated_runs(resources.sweep(), model)
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
    """The replay; once it is stopped, the whole of it with the test error.

    save: called when it is stopped, see `sent_epoch`; stopped: the epoch, None: not yet; said: then.
    """
    tests = [round(record.test_error, 4) for record in records]
    data = {
        "id": run_id,
        "question": (
            "The network studies its photographs, some with wrong labels. Stop it when it reads new "
            "photographs best. You see only how often it disagrees with the labels it studies."
        ),
        "training": [round(record.train_error, 4) for record in records],
        "stopped": stopped,
        # Not before: a browser shows what it has been sent to whoever looks.
        "test": tests if stopped is not None else [],
        "best": tests.index(min(tests)) + 1 if stopped is not None else 0,
        "said": said,
        "names": {"training": "training error", "test": "test error"},
        "colours": {"training": COLOURS["training error"], "test": COLOURS["test error"]},
    }
    _GAME(data=data, key="stop_game", on_stop_change=save)


def sent_epoch(epochs: int) -> int:
    """The epoch that was sent; within `save`. Raises ConfigError."""
    try:
        epoch = int(st.session_state.stop_game.stop)
    except (TypeError, ValueError):  # no message of our own page
        epoch = 0
    if not 1 <= epoch <= epochs:
        raise ConfigError("Press Start first, and then Stop.")
    return epoch
