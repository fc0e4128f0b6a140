"""How long a run will take, from what was measured: here if possible, elsewhere if not."""

import json
from functools import cache
from typing import NamedTuple

from core.cifar10 import ASSETS
from core.config import RunConfig


class Estimate(NamedTuple):
    seconds: float
    basis: str  # a clause that says where the number comes from


def estimate(config: RunConfig, speeds: dict[tuple[str, int], float], share: int = 1) -> Estimate:
    """Seconds for the whole run.

    speeds: images per second measured on this machine by (model, batch size), over whole
        epochs. Where this network was not measured here, the speeds of the reference
        machine are scaled by what was.
    share: runs that take turns on the device, this one included.
    """
    wanted = (config.model, config.batch_size)
    images = config.train_images * config.epochs * share
    if wanted in speeds:
        return Estimate(images / speeds[wanted], "as measured on this machine")
    expected = _reference_speed(*wanted)
    if speeds:
        ratios = [speed / _reference_speed(*key) for key, speed in speeds.items()]
        mean = sum(ratios) / len(ratios)
        return Estimate(images / (expected * mean), "from other runs on this machine")
    return Estimate(images / expected, f"as measured on {reference()['device']}; none here yet")


@cache
def reference() -> dict:
    """The reference machine's speeds, written by `python -m core bench --out`."""
    return json.loads((ASSETS / "bench.json").read_text())


def _reference_speed(model: str, batch_size: int) -> float:
    """Of the nearest batch size that was measured, measuring after each epoch included."""
    rows = [row for row in reference()["rows"] if row["model"] == model]
    nearest = min(rows, key=lambda row: abs(row["batch_size"] - batch_size))
    return nearest["epoch_images_per_second"]
