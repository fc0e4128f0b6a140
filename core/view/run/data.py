"""A run as JSON for the browser: the numbers, the sentence and the predictions of each epoch.

Every run shows the same 24 photographs at every level, so that visitors see labels change and not
photographs.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.cleaning.studied import StudiedLabels, studied_labels
from core.config import RunConfig
from core.data.corruption import followed_images
from core.data.noise import wrong_share
from core.records import EpochRecord
from core.sweep.statistics import chance_repeats
from core.view.run.captions import describe_empty, describe_errors, run_title
from core.view.run.floor import floor_of
from core.view.style import COLOURS, SHORT
from core.view.words import CHANCE, FLOOR, LABELS

PHOTOGRAPHS = 24
ERRORS = ("test_error", "train_error")
LINES = (*ERRORS, "right_label_error", "memorized", "recovered", "validation_error")
VALUES = (*LINES, "chance")  # the values of each epoch, in this order
NAMES = {
    **{name: SHORT.get(LABELS[name], LABELS[name]) for name in LINES},
    "chance": SHORT[CHANCE],
}
INK = {
    **{name: COLOURS[LABELS[name]] for name in LINES},
    "chance": COLOURS[CHANCE],
    "floor": COLOURS[FLOOR],
}


def shown_images(count: int, seed: int) -> NDArray[np.int64]:
    """Return the indices of the shown ones of `count` training images, (24,).

    They are the first in the order from which the followed images are chosen.
    """
    return followed_images(np.zeros(count, dtype=bool), seed)[
        :PHOTOGRAPHS
    ]  # pretending that no label is wrong gives the plain order


def shown_places(followed: NDArray[np.int64], shown: NDArray[np.int64]) -> list[int]:
    """Return the indices of the shown images, (24,), among the followed images of a run, (128,).

    At every level all shown images are followed: among the first 24 images, those with a wrong label
    belong to the first 64 wrong ones, and those with a right label to the first 64 right ones.
    """
    place = {int(index): at for at, index in enumerate(followed)}
    return [place[int(index)] for index in shown]


def unused(studied: StudiedLabels, image: int) -> str:
    """Say why the run does not train on this training image; empty if it does."""
    if studied.is_dropped[image]:
        return "left out"
    return "held out" if studied.is_held_out[image] else ""


def few_of(is_wrong: NDArray[np.bool_], level: float, few: int) -> tuple[int, ...]:
    """Choose `few` of the shown images with the share of wrong labels of the whole level.

    is_wrong: (24,), of the shown images at this level. Returns their indices among the 24.
    """
    count = round(few * wrong_share(RunConfig(level=level)))
    chosen = [*np.flatnonzero(is_wrong)[:count], *np.flatnonzero(~is_wrong)[: few - count]]
    return tuple(sorted(map(int, chosen)))


def lines_of(records: Sequence[EpochRecord]) -> dict[str, list[float | None]]:
    """Return the errors of a run, by name, to be drawn thin behind those of another run."""
    return {name: [_short(getattr(record, name)) for record in records] for name in ERRORS}


class RunData:
    """One run as JSON; each epoch is encoded once for all viewers."""

    def __init__(
        self,
        config: RunConfig,
        true_labels: NDArray[np.uint8],
        studied: StudiedLabels | None,
        places: Sequence[int],
    ):
        """true_labels: (N,), of all training images; places: indices of those to show among the 24.

        studied: the labels that the run studies. None: they are not known any more, and the labels
        before the repair are shown.
        """
        floor = floor_of(config, studied)
        if studied is None:
            studied = studied_labels(replace(config, repair="none", repaired=0.0), true_labels)
        shown = shown_images(len(true_labels), config.seed)
        followed = shown_places(studied.followed, shown)
        self.config = config
        self.followed = [followed[place] for place in places]
        self.fixed = {
            "title": run_title(config),
            "level": config.level,
            "level_text": f"{config.level:.0%}",
            "floor": floor and floor.value,
            "floor_name": floor and SHORT[floor.name],
            "intro": describe_empty(config, floor),
            "tiles": [
                {
                    "at": place,
                    "given": int(studied.labels[shown[place]]),
                    "real": int(true_labels[shown[place]]),
                    "unused": unused(studied, shown[place]),
                }
                for place in places
            ],
        }
        self.epochs: list[str] = []  # each a JSON array, see _epoch
        self.lock = threading.Lock()  # two viewers may ask for the same new epoch

    def json(self, records: list[EpochRecord]) -> str:
        """Return the run as a JSON object; records: all epochs so far."""
        with self.lock:
            for n in range(len(self.epochs), len(records)):
                self.epochs.append(json.dumps(self._epoch(records[: n + 1]), separators=(",", ":")))
        count = len(records)
        fixed = json.dumps({**self.fixed, "epochs": max(self.config.epochs, count)})
        return f'{fixed[:-1]}, "told": [{",".join(self.epochs[:count])}]}}'

    def _epoch(self, records: list[EpochRecord]) -> list[Any]:
        """The VALUES of the last epoch, its sentence, and the predictions: one digit per photograph."""
        last = records[-1]
        chance = chance_repeats(self.config, last.recovered)
        values = [*(getattr(last, name) for name in LINES), chance]
        predicted = "".join(str(last.predictions[place]) for place in self.followed if last.predictions)
        return [*map(_short, values), describe_errors(self.config, records), predicted]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
