"""One run to look at, epoch by epoch: photographs and curves, drawn and replayed in the browser.

A component of our own because a chart of Streamlit's cannot be replayed without the server,
which has forty viewers; and photographs, sentence and curves are to follow one chosen epoch.
"""

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import center_crop, corrupt_labels, corrupt_pixels, followed_images
from core.records import EpochRecord, memorized_by_chance
from core.view import gallery
from core.view.captions.run import describe_empty, describe_errors, run_title
from core.view.charts.style import COLOURS, SHORT, WRONG_LABEL
from core.view.words import CHANCE, FLOOR, LABELS
from pages.shared import resources
from pages.shared.component import component
from pages.shared.keeping import keep

PHOTOGRAPHS, FEW = 24, 8
FEW_AT = 0.4  # the level at which the few photographs are chosen
ALL = tuple(range(PHOTOGRAPHS))
KEY_LINES = (
    "A network studies such photographs with their labels, round after round. Blue: how often it "
    "disagrees with the labels it studies. Orange: how often it misreads new photographs."
)
LINES = ("test_error", "train_error", "right_label_error", "memorized", "recovered")
VALUES = (*LINES, "chance")  # of each epoch, in this order
NAMES = {
    **{name: SHORT.get(LABELS[name], LABELS[name]) for name in LINES},
    "chance": SHORT[CHANCE],
    "floor": SHORT[FLOOR],
}
INK = {
    **{name: COLOURS[LABELS[name]] for name in LINES},
    "chance": COLOURS[CHANCE],
    "floor": COLOURS[FLOOR],
}

_VIEWER = component(Path(__file__).parent)


class Ghost(NamedTuple):
    """An earlier run, drawn thin behind the one that is shown."""

    config: RunConfig
    records: list[EpochRecord]


def show_run(
    config: RunConfig,
    records: list[EpochRecord],
    *,
    key: str,
    showing: int = 0,
    is_live: bool = False,
    replays: bool = False,
    is_stale: bool = False,
    ghosts: list[Ghost] | None = None,
) -> None:
    """Show a run; show_sprite must have been called for it.

    showing: a number that makes it a new appearance, where the same run is to be replayed.
    is_live: more epochs are to come; replays: it is played from its first epoch when it
    appears; is_stale: the controls have moved away from it.
    """
    shown = _photographs(config.data, config.corruption, config.seed)
    epochs = max(config.epochs, len(records))
    data = {
        **_shared(shown, f"{config.run_id}-{showing}"),
        "is_live": is_live,
        "replays": replays,
        "is_stale": is_stale,
        "ghosts": [
            {
                name: [_short(getattr(record, name)) for record in ghost.records[:epochs]]
                for name in LINES[:2]
            }
            for ghost in ghosts or ()
        ],
    }
    _mount(data, [_told(config.run_id, ALL, config).json(records)], key)


def show_sprite(config: RunConfig) -> None:
    """The photographs themselves, for the viewers of this page: 50 kB that no tick sends again."""
    st.html(_photographs(config.data, config.corruption, config.seed).style)


def show_levels(
    runs: list[tuple[RunConfig, list[EpochRecord]]], *, first: int, key: str, sweeps: bool = False
) -> float:
    """Several runs that differ in their level, one of which a slider chooses in the browser.

    The simple picture: eight photographs, two lines, no sentence that tells how it ends.
    runs: in the order of their levels; first: which is shown at first; sweeps: it goes through
    all of them by itself, each at its end. Returns the level chosen.
    """
    configs = [config for config, _ in runs]
    shown = _photographs(configs[0].data, configs[0].corruption, configs[0].seed)
    show_sprite(configs[0])
    usual = min(configs, key=lambda config: abs(config.level - FEW_AT))
    labels, _ = _labels(usual)
    is_wrong = labels != shown.true_labels
    # At the usual level as large a part of these few is wrong as of all.
    count = round(FEW * 0.9 * usual.level)
    chosen = [*np.flatnonzero(is_wrong)[:count], *np.flatnonzero(~is_wrong)[: FEW - count]]
    places = tuple(sorted(map(int, chosen)))
    data = {
        **_shared(shown, key),
        "is_simple": True,
        "key_lines": KEY_LINES,
        "first": first,
        "replays": not sweeps,
        "sweeps": sweeps,
    }
    told = [_told(config.run_id, places, config).json(records) for config, records in runs]
    first_level = configs[first].level
    result = _mount(data, told, key, default={"level": first_level}, on_level_change=lambda: None)
    # What a browser sends may be anything.
    return result.level if result.level in [config.level for config in configs] else first_level


def _mount(data: dict[str, Any], runs: list[str], key: str, **options: Any) -> Any:
    """As one text: Streamlit looks through a dictionary for tables, value by value."""
    text = f'{json.dumps(data)[:-1]}, "runs": [{",".join(runs)}]}}'
    return _VIEWER(data={"json": text}, key=key, **options)


def _shared(shown: "_Photographs", name: str) -> dict[str, Any]:
    """What is the same for every run; name: of what is shown, which is played when it changes."""
    return {
        "id": name,
        "classes": list(CLASSES),
        "sprite": shown.name,
        "columns": gallery.COLUMNS,
        "rows": -(-PHOTOGRAPHS // gallery.COLUMNS),
        "values": VALUES,
        "names": NAMES,
        "colours": INK,
        "error_axis": "Error",
        "fate_axis": "Wrong labels",
        "key": "In bold the label that the photograph was given, below it what the network says.",
        "key_before": "The label that each photograph was given; dashed where it is wrong.",
        "is_live": False,
        "is_stale": False,
        "ghosts": [],
    }


class _Told:
    """What the browser is told of one run, made once for each epoch and all viewers."""

    def __init__(self, config: RunConfig, places: Iterable[int]):
        """places: of the photographs that are shown, among the 24."""
        labels, followed = _labels(config)
        shown = _photographs(config.data, config.corruption, config.seed)
        self.config = config
        self.places = [followed[place] for place in places]
        self.fixed = {
            "title": run_title(config),
            "level": config.level,
            "level_text": f"{config.level:.0%}",
            "floor": 0.9 * config.level or None,
            "intro": describe_empty(config),
            "tiles": [
                {"at": int(place), "given": int(labels[place]), "real": int(shown.true_labels[place])}
                for place in places
            ],
        }
        self.epochs: list[
            str
        ] = []  # each as JSON: its values in the order of VALUES, what is said of it,
        # and what the network says of each photograph, a digit each
        self.lock = threading.Lock()  # two viewers may come with the same new epoch

    def json(self, records: list[EpochRecord]) -> str:
        with self.lock:
            for n in range(len(self.epochs), len(records)):
                self.epochs.append(json.dumps(self._epoch(records[: n + 1]), separators=(",", ":")))
        count = len(records)
        fixed = json.dumps({**self.fixed, "epochs": max(self.config.epochs, count)})
        return f'{fixed[:-1]}, "told": [{",".join(self.epochs[:count])}]}}'

    def _epoch(self, records: list[EpochRecord]) -> list[Any]:
        last = records[-1]
        chance = None if last.recovered is None else memorized_by_chance(last.recovered)
        values = [*(getattr(last, name) for name in LINES), chance]
        predicted = "".join(str(last.predictions[place]) for place in self.places if last.predictions)
        return [*map(_short, values), describe_errors(self.config, records), predicted]


@keep(512)
def _told(run_id: str, places: tuple[int, ...], _config: RunConfig) -> _Told:
    """By the run's name: Streamlit takes long to tell two settings apart."""
    return _Told(_config, places)


class _Photographs(NamedTuple):
    name: str  # of their style
    style: str  # the sprite, as a style sheet
    true_labels: np.ndarray


@keep(32)
def _photographs(data_name: str, corruption: str, seed: int) -> _Photographs:
    """The first images in the order in which the followed ones are drawn: the same at every level."""
    data = resources.data(data_name)
    shown = _order(len(data.train_labels), seed)
    images = center_crop(data.train_images[shown])
    if corruption != "labels":
        noise = resources.noise(data_name) if corruption == "gaussian" else None
        images, _ = corrupt_pixels(images, corruption, seed, indices=shown, noise=noise)
    name = f"photographs-{data_name}-{corruption}-{seed}"
    rows = -(-PHOTOGRAPHS // gallery.COLUMNS)
    style = (
        f"<style>.{name} {{ background-image: url({gallery.sprite(images)}); "
        f"background-size: {gallery.COLUMNS * 100}% {rows * 100}% }} "
        f":root {{ --wrong: {WRONG_LABEL}; --memorized: {INK['memorized']}; "
        f"--recovered: {INK['recovered']} }}</style>"
    )
    return _Photographs(name, style, data.train_labels[shown])


def _order(count: int, seed: int) -> np.ndarray:
    """With no label wrong the followed images are simply the first in their order."""
    return followed_images(np.zeros(count, dtype=bool), seed)[:PHOTOGRAPHS]


@keep(256)
def _labels(config: RunConfig) -> tuple[np.ndarray, list[int]]:
    """Of the photographs: the labels given, and their places among the followed images.

    Of the first 24 images in the order the wrong ones are among the first 64 wrong ones, and
    the right ones among the first 64 right ones: all are followed, at every level.
    """
    data = resources.data(config.data)
    corrupted = corrupt_labels(data.train_labels, config.level, config.seed)
    shown = _order(len(data.train_labels), config.seed)
    place = {
        int(index): at for at, index in enumerate(followed_images(corrupted.is_wrong, config.seed))
    }
    return corrupted.labels[shown], [place[int(index)] for index in shown]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
