"""How long a run will take: by this machine's own speed, or else by a reference machine's."""

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
LEAST_WIDTH = 0.15  # of the time of the usual width that every step takes, however few units there are


class Estimate(NamedTuple):
    seconds: float
    basis: str  # a clause that says where the number comes from


def estimate(
    config: RunConfig, speeds: Speeds, others: Sequence[LiveRun] = (), owner: str = ""
) -> Estimate:
    """Seconds for the whole run.

    speeds: images per second measured on this machine by (model, batch size), over whole
        epochs. Where this network was not measured here, the speeds of the reference
        machine are scaled by what was.
    others: active runs it takes turns with, those of the same owner and of others.
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
    """Seconds until a run of `owner` with so many epochs of so many seconds to go is finished.

    others: the other active runs. Every visitor gets the same time: those of the same owner
    take turns with this one, and each other visitor has as much time meanwhile, or as much
    as they still want.
    """
    left: dict[str, float] = {}
    needed = epochs * seconds  # by this run and its owner's others
    for other in others:
        wants = (other.config.epochs - other.epochs_done) * epoch_seconds(other.config, speeds)
        if owner and other.owner == owner:
            needed += min(wants, epochs * seconds)
        else:
            left[other.owner] = left.get(other.owner, 0.0) + wants
    return needed + sum(min(wants, needed) for wants in left.values())


def expected_epochs(config: RunConfig) -> int:
    """How many epochs it will be; a guess where that depends on when the training set is fitted."""
    if not config.epochs_after_fitted:
        return config.epochs
    return min(max(config.epochs, USUALLY_FITTED + config.epochs_after_fitted), config.max_epochs)


def run_seconds(config: RunConfig, speeds: Speeds) -> float:
    """What the whole run takes by itself."""
    return expected_epochs(config) * epoch_seconds(config, speeds)


def speeds_of(runs: pd.DataFrame, device: str) -> Speeds:
    """What this device reached over the whole runs that it has trained, all of them together.

    runs: rows of the sweep.
    """
    speeds: dict[tuple[str, int], list[float]] = {}
    for run in runs[runs.device == device].to_dict("records"):
        images = TRAIN_IMAGES[run["data"]] * run["epochs_trained"] * run["runs_at_once"]
        speeds.setdefault((run["model"], run["batch_size"]), []).append(images / run["wall_seconds"])
    return {key: median(values) for key, values in speeds.items()}


def epoch_seconds(config: RunConfig, speeds: Speeds) -> float:
    """What one epoch takes, evaluation included."""
    wanted = (config.model, config.batch_size)
    speed = speeds.get(wanted)
    if speed is None:
        ratios = [speed / _reference_speed(*key) for key, speed in speeds.items()] or [1.0]
        speed = _reference_speed(*wanted) * sum(ratios) / len(ratios)
    return max(config.width / USUAL_WIDTH, LEAST_WIDTH) * config.train_images / speed


@cache
def reference() -> dict[str, Any]:
    """The reference machine's speeds, written by `python -m tools bench --out`."""
    return json.loads((ASSETS / "bench.json").read_text(encoding="utf-8"))


def _reference_rows(model: str) -> list[dict[str, Any]]:
    return [row for row in reference()["rows"] if row["model"] == model]


def _slowest() -> str:
    """The network of the slowest row."""
    return min(reference()["rows"], key=lambda row: row["epoch_images_per_second"])["model"]


@lru_cache(1024)
def _reference_speed(model: str, batch_size: int) -> float:
    """Images per second on the reference machine, evaluation included.

    Between and beyond the batch sizes that were measured there: each image takes a fixed time,
    and its share of the fixed time of a step. A network without a measurement is guessed to be
    as slow as the slowest one that has been measured.
    """
    rows = _reference_rows(model) or _reference_rows(_slowest())
    points = sorted((1 / row["batch_size"], 1 / row["epoch_images_per_second"]) for row in rows)
    parts, seconds = zip(*points, strict=True)
    right = min(max(bisect(parts, 1 / batch_size), 1), len(parts) - 1)  # of the two points in use
    slope = (seconds[right] - seconds[right - 1]) / (parts[right] - parts[right - 1])
    if not parts[0] <= 1 / batch_size <= parts[-1]:
        slope = max(slope, 0.0)  # beyond what was measured, a step never costs less than nothing
    return 1 / (seconds[right - 1] + slope * (1 / batch_size - parts[right - 1]))
