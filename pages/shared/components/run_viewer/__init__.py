"""The viewer of one run, epoch by epoch: photographs and curves, drawn and replayed in the browser.

It is our own component because the server would have to replay a Streamlit chart, for forty
viewers, and because photographs, sentence and curves must all follow one chosen epoch.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import center_crop, corrupt_pixels, given_labels
from core.records import EpochRecord
from core.view.images import gallery
from core.view.run.data import INK, NAMES, PHOTOGRAPHS, VALUES, RunData, few_of, lines_of, shown_images
from core.view.style import WRONG_LABEL
from pages.shared.components.component import component
from pages.shared.server import resources
from pages.shared.server.cache import cached
from pages.shared.server.computed_once import studied

FEW, FEW_AT = 8, 0.4  # photographs in the simple view, and the level at which they are chosen
ALL = tuple(range(PHOTOGRAPHS))
ROWS = gallery.row_count(PHOTOGRAPHS)  # in the sprite
KEY_LINES = (
    "A network studies photographs like these with their labels, round after round. Blue: how often it "
    "disagrees with the labels it studies. Orange: how often it misreads new photographs."
)

_VIEWER = component(Path(__file__).parent)


class Ghost(NamedTuple):
    """An earlier run, drawn thin behind the one shown."""

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
    """Show a run. `show_sprite` must have been called for it.

    showing: a number that changes when the same run is to be replayed.
    is_live: more epochs will come; replays: the viewer plays the run from its first epoch when it
    appears; is_stale: the controls no longer show this run's settings.
    """
    epochs = max(config.epochs, len(records))
    data = {
        **_shared(config, f"{config.run_id}-{showing}"),
        "is_live": is_live,
        "replays": replays,
        "is_stale": is_stale,
        "ghosts": [lines_of(ghost.records[:epochs]) for ghost in ghosts or ()],
    }
    _mount(data, [_run_data(config, ALL).json(records)], key)


def show_sprite(config: RunConfig) -> None:
    """Send the photographs for the viewers of this page: 50 kB that later updates do not repeat."""
    st.html(_sprite(config.data, config.corruption, config.seed).style)


def show_levels(
    runs: list[tuple[RunConfig, list[EpochRecord]]], *, first: float, key: str, sweeps: bool = False
) -> float:
    """Show several runs that differ in their level, with a slider that chooses one in the browser.

    This is the simple view: eight photographs, two lines, and no sentence that gives away the end.
    runs: in the order of their levels; first: the level to show first; sweeps: the viewer goes
    through all levels by itself, each at its end. Returns the chosen level.
    """
    configs = [config for config, _ in runs]
    show_sprite(configs[0])
    places = _few(min(configs, key=lambda config: abs(config.level - FEW_AT)))
    levels = [config.level for config in configs]
    begin = min(range(len(levels)), key=lambda place: abs(levels[place] - first))
    data = {
        **_shared(configs[0], key),
        "is_simple": True,
        "key_lines": KEY_LINES,
        "first": begin,
        "replays": not sweeps,
        "sweeps": sweeps,
    }
    texts = [_run_data(config, places).json(records) for config, records in runs]
    result = _mount(data, texts, key, default={"level": levels[begin]}, on_level_change=lambda: None)
    return result.level if result.level in levels else levels[begin]  # a browser may send anything


def _mount(data: dict[str, Any], runs: list[str], key: str, **options: Any) -> Any:
    """Mount the viewer with its data as one text: Streamlit would search a dictionary for tables."""
    text = f'{json.dumps(data)[:-1]}, "runs": [{",".join(runs)}]}}'
    return _VIEWER(data={"json": text}, key=key, **options)


def _shared(config: RunConfig, name: str) -> dict[str, Any]:
    """The data that all runs on these images share.

    name: identifies the view; the viewer plays it when the name changes.
    """
    return {
        "id": name,
        "classes": list(CLASSES),
        "sprite": _sprite(config.data, config.corruption, config.seed).name,
        "columns": gallery.COLUMNS,
        "rows": ROWS,
        "values": VALUES,
        "names": NAMES,
        "colours": INK,
        "error_axis": "Error",
        "fate_axis": "Wrong labels",
        "key": "Bold: the label given to the photograph. Below it: what the network says.",
        "key_before": "The label given to each photograph, with a dashed frame if it is wrong.",
        "is_live": False,
        "is_stale": False,
        "ghosts": [],
    }


@cached(512)
def _run_data(config: RunConfig, places: tuple[int, ...]) -> RunData:
    return RunData(config, resources.data(config.data).train_labels, studied(config), places)


@cached(32)
def _few(config: RunConfig) -> tuple[int, ...]:
    labels = resources.data(config.data).train_labels
    is_wrong = given_labels(config, labels).is_wrong
    return few_of(is_wrong[shown_images(len(labels), config.seed)], config.level, FEW)


class _Sprite(NamedTuple):
    name: str  # the CSS class
    style: str  # a style sheet with the photographs


@cached(256)  # 50 kB each: in a full lecture hall everybody may have another seed
def _sprite(data_name: str, corruption: str, seed: int) -> _Sprite:
    data = resources.data(data_name)
    shown = shown_images(len(data.train_labels), seed)
    images = center_crop(data.train_images[shown])
    if corruption != "labels":
        noise = resources.noise(data_name) if corruption == "gaussian" else None
        images, _ = corrupt_pixels(images, corruption, seed, indices=shown, noise=noise)
    name = f"photographs-{data_name}-{corruption}-{seed}"
    style = (
        f"<style>.{name} {{ {gallery.background(images)} }} "
        f":root {{ --wrong: {WRONG_LABEL}; --memorized: {INK['memorized']}; "
        f"--recovered: {INK['recovered']} }}</style>"
    )
    return _Sprite(name, style)
