"""One run to look at, epoch by epoch: photographs and curves, drawn and replayed in the browser.

A component of our own because a chart of Streamlit's cannot be replayed without the server,
which has forty viewers; and photographs, sentence and curves are to follow one chosen epoch.
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

FEW, FEW_AT = 8, 0.4  # photographs of the simple picture, and the level at which they are chosen
ALL = tuple(range(PHOTOGRAPHS))
ROWS = gallery.row_count(PHOTOGRAPHS)  # of the sprite
KEY_LINES = (
    "A network studies such photographs with their labels, round after round. Blue: how often it "
    "disagrees with the labels it studies. Orange: how often it misreads new photographs."
)

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
    """The photographs themselves, for the viewers of this page: 50 kB that no tick sends again."""
    st.html(_sprite(config.data, config.corruption, config.seed).style)


def show_levels(
    runs: list[tuple[RunConfig, list[EpochRecord]]], *, first: float, key: str, sweeps: bool = False
) -> float:
    """Several runs that differ in their level, one of which a slider chooses in the browser.

    The simple picture: eight photographs, two lines, no sentence that tells how it ends.
    runs: in the order of their levels; first: the level that is shown at first; sweeps: it goes through
    all of them by itself, each at its end. Returns the level chosen.
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
    told = [_run_data(config, places).json(records) for config, records in runs]
    result = _mount(data, told, key, default={"level": levels[begin]}, on_level_change=lambda: None)
    return result.level if result.level in levels else levels[begin]  # a browser may send anything


def _mount(data: dict[str, Any], runs: list[str], key: str, **options: Any) -> Any:
    """As one text: Streamlit looks through a dictionary for tables, value by value."""
    text = f'{json.dumps(data)[:-1]}, "runs": [{",".join(runs)}]}}'
    return _VIEWER(data={"json": text}, key=key, **options)


def _shared(config: RunConfig, name: str) -> dict[str, Any]:
    """What is the same for every run of these images.

    name: of what is shown, which is played when it changes.
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
        "key": "In bold the label that the photograph was given, below it what the network says.",
        "key_before": "The label that each photograph was given; dashed where it is wrong.",
        "is_live": False,
        "is_stale": False,
        "ghosts": [],
    }


@cached(512)
def _run_data(config: RunConfig, places: tuple[int, ...]) -> RunData:
    return RunData(config, resources.data(config.data).train_labels, places)


@cached(32)
def _few(config: RunConfig) -> tuple[int, ...]:
    labels = resources.data(config.data).train_labels
    is_wrong = given_labels(config, labels).is_wrong
    return few_of(is_wrong[shown_images(len(labels), config.seed)], config.level, FEW)


class _Sprite(NamedTuple):
    name: str  # of its style
    style: str  # the photographs, as a style sheet


@cached(256)  # 50 kB each: in a full lecture hall everybody may have a seed of their own
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
