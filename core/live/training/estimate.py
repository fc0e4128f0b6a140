"""Estimates of how long a run will take, from the speed of this machine or of a reference machine."""

import json
from bisect import bisect
from collections.abc import Sequence
from functools import cache, lru_cache
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from core.config import TRAIN_IMAGES, USUAL_WIDTH, RunConfig
from core.live.runs.store import LiveRun
from core.paths import ASSETS

Speeds = dict[tuple[str, int], float]
USUALLY_FITTED = 50  # epochs
LEAST_WIDTH = 0.15  # every step takes at least this share of the time at the usual width


class Estimate(NamedTuple):
    """An estimated time, and where it comes from."""

    seconds: float
    basis: str  # a clause for the pages: where the number comes from


def estimate(
    config: RunConfig, speeds: Speeds, others: Sequence[LiveRun] = (), owner: str = ""
) -> Estimate:
    """Return the estimated seconds for the whole run.

    speeds: images per second measured on this machine by (model, batch size), over whole
        epochs. For a network that was not measured here, the speeds of the reference machine
        are scaled by those that were.
    others: active runs that take turns with this one, of the same owner and of other visitors.
    """
    seconds = time_left(config.epochs, epoch_seconds(config, speeds), others, speeds, owner)
    if (config.model, config.batch_size) in speeds:
        return Estimate(seconds, "as measured on this machine")
    if not _reference_rows(config.model):
        return Estimate(seconds, "a guess: this network has not been measured yet")
    if speeds:
        return Estimate(seconds, "from other runs on this machine")
    device = _reference_rows(config.model)[0].get("device", reference()["device"])
    return Estimate(seconds, f"as measured on {device}; this machine has trained none yet")


def time_left(
    epochs: int, seconds: float, others: Sequence[LiveRun], speeds: Speeds, owner: str = ""
) -> float:
    """Return the seconds until a run of `owner` is finished.

    epochs: the epochs it has left, of `seconds` each. others: the other active runs. All visitors
    get equal time: the owner's other runs take turns with this one, and meanwhile each other
    visitor gets as much time as the owner, or as much as their runs still need.
    """
    left: dict[str, float] = {}
    needed = epochs * seconds  # seconds for this run and its owner's others
    for other in others:
        wants = (other.config.epochs - other.epochs_done) * epoch_seconds(other.config, speeds)
        if owner and other.owner == owner:
            needed += min(wants, epochs * seconds)
        else:
            left[other.owner] = left.get(other.owner, 0.0) + wants
    return needed + sum(min(wants, needed) for wants in left.values())


def expected_epochs(config: RunConfig) -> int:
    """Return the run's number of epochs; a guess if it ends some epochs after its data are fitted."""
    if not config.epochs_after_fitted:
        return config.epochs
    return min(max(config.epochs, USUALLY_FITTED + config.epochs_after_fitted), config.max_epochs)


def run_seconds(config: RunConfig, speeds: Speeds) -> float:
    """Return the seconds that the whole run takes when it trains alone."""
    return expected_epochs(config) * epoch_seconds(config, speeds)


def speeds_of(runs: pd.DataFrame, device: str) -> Speeds:
    """Return the median speed of this device over whole runs, by (model, batch size).

    A device that trains several runs at once counts the images of all of them.
    runs: rows of the sweep.
    """
    speeds: dict[tuple[str, int], list[float]] = {}
    for run in runs[runs.device == device].to_dict("records"):
        images = TRAIN_IMAGES[run["data"]] * run["epochs_trained"] * run["runs_at_once"]
        speeds.setdefault((run["model"], run["batch_size"]), []).append(images / run["wall_seconds"])
    return {key: median(values) for key, values in speeds.items()}


def epoch_seconds(config: RunConfig, speeds: Speeds) -> float:
    """Return the seconds that one epoch takes, evaluation included."""
    key = (config.model, config.batch_size)
    speed = speeds.get(key)
    if speed is None:
        ratios = [speed / _reference_speed(*each) for each, speed in speeds.items()] or [1.0]
        speed = _reference_speed(*key) * sum(ratios) / len(ratios)
    return max(config.width / USUAL_WIDTH, LEAST_WIDTH) * config.train_images / speed


@cache
def reference() -> dict[str, Any]:
    """Return the reference machine's speeds, as written by `python -m tools bench --out`."""
    return json.loads((ASSETS / "bench.json").read_text(encoding="utf-8"))


def _reference_rows(model: str) -> list[dict[str, Any]]:
    return [row for row in reference()["rows"] if row["model"] == model]


def _slowest() -> str:
    """The slowest network that was measured on the reference machine."""
    return min(reference()["rows"], key=lambda row: row["epoch_images_per_second"])["model"]


@lru_cache(1024)
def _reference_speed(model: str, batch_size: int) -> float:
    """Images per second on the reference machine, evaluation included.

    Batch sizes that were not measured are inter- and extrapolated: an image takes a fixed time plus
    its share of the fixed time of a step. A network without a measurement counts as slow as the
    slowest one that has been measured.
    """
    rows = _reference_rows(model) or _reference_rows(_slowest())
    points = sorted((1 / row["batch_size"], 1 / row["epoch_images_per_second"]) for row in rows)
    parts, seconds = zip(*points, strict=True)
    right = min(
        max(bisect(parts, 1 / batch_size), 1), len(parts) - 1
    )  # the right one of the two points
    slope = (seconds[right] - seconds[right - 1]) / (parts[right] - parts[right - 1])
    if not parts[0] <= 1 / batch_size <= parts[-1]:
        slope = max(slope, 0.0)  # in extrapolation, a step must not have a negative cost
    return 1 / (seconds[right - 1] + slope * (1 / batch_size - parts[right - 1]))
