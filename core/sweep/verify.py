"""Does this code still compute what is stored? The first epochs of stored runs, trained again."""

import itertools
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from core.data.cifar10 import Cifar10, load
from core.sweep.results import MEASURES, SWEEP_FOLDER, config_of, load_records
from core.training.devices import hardware
from core.training.training import train

# The same processor, number of threads and torch must give the very same numbers. Elsewhere
# rounding differs: measured in the first two epochs between float32 and bfloat16, it moves
# an MLP by 0.007, but AlexNet by 0.04, which is as much as another seed does.
TOLERANCE = 0.05  # of shares absolute, of losses relative
COMPARED = [name for name in MEASURES if name not in ("epoch", "seconds", "images_per_second")]


class Check(NamedTuple):
    run_id: str
    epochs: int
    measure: str  # the one that differs most, measured by its tolerance
    stored: float | None
    computed: float | None
    difference: float  # of shares absolute, of losses relative; 0 for the very same numbers
    is_same_machine: bool  # the same kind of device, and the same torch

    @property
    def is_reproduced(self) -> bool:
        return self.difference <= (0 if self.is_same_machine else TOLERANCE)


def is_verifiable(run) -> bool:
    """Only what a CPU computed can be checked on any machine; run: a row of runs.parquet."""
    return run["device_type"] == "cpu"


def verify(run, epochs: int = 2, folder: Path = SWEEP_FOLDER, data: Cifar10 | None = None) -> Check:
    """Train the first epochs of a stored run again and hold them against what is stored.

    run: a row of runs.parquet. Raises SweepError, DataError.
    """
    config, stored = config_of(run), load_records(run["run_id"], folder)[:epochs]
    with _threads(int(run["threads"])):
        data = data or load(config.data)
        computed = list(itertools.islice(train(config, data, "cpu"), len(stored)))
        here = (hardware("cpu").device, torch.__version__.partition("+")[0])
    same = here == (run["device"], run["torch"].partition("+")[0])
    differences = [
        (_difference(name, getattr(then, name), getattr(now, name)), name, then, now)
        for then, now in zip(stored, computed, strict=True)
        for name in COMPARED
    ]
    most, name, then, now = max(differences, key=lambda found: found[0])
    return Check(config.run_id, len(stored), name, getattr(then, name), getattr(now, name), most, same)


def _difference(name: str, stored: float | None, computed: float | None) -> float:
    if stored == computed:
        return 0.0
    if stored is None or computed is None or name == "learning_rate":
        return float("inf")
    return abs(stored - computed) / (stored if name.endswith("loss") else 1)


@contextmanager
def _threads(count: int):
    """As many threads as the stored run had: a product's rounding depends on them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
