"""Does this code still compute what is stored? The first epochs of stored runs, trained again."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from core.choices import NETWORKS
from core.data.cifar10 import Cifar10, load
from core.records import METRICS, TIMES
from core.sweep.results import SWEEP_FOLDER, config_of, load_records
from core.sweep.runner import stored_ranking
from core.training.devices import hardware
from core.training.training import train

# The same processor, number of threads and torch must give the very same numbers. Elsewhere
# rounding differs. How far that moves the first epochs was measured between bfloat16 and float32:
# six runs of the small network by up to 0.019; six of AlexNet by up to 0.061 and three of Inception
# by up to 0.067, which is as much as another seed does. Of shares absolute, of losses relative:
TOLERANCE = 0.05  # of fully connected networks
CONVOLUTIONAL_TOLERANCE = 0.15
COMPARED = tuple(name for name in METRICS if name not in ("epoch", *TIMES))


Row = Mapping[str, Any] | pd.Series  # of runs.parquet


class Check(NamedTuple):
    run_id: str
    epochs: int
    metric: str  # the one that differs most
    stored: float | None
    computed: float | None
    difference: float  # of shares absolute, of losses relative; 0 for the very same numbers
    tolerance: float  # 0 on the same machine: the same processor, threads and torch

    @property
    def is_reproduced(self) -> bool:
        return self.difference <= self.tolerance


def is_verifiable(run: Row) -> bool:
    """Only what a CPU computed can be checked on any machine; run: a row of runs.parquet."""
    return run["device_type"] == "cpu"


def verify(
    run: Row, epochs: int = 2, folder: Path = SWEEP_FOLDER, data: Cifar10 | None = None
) -> Check:
    """Train the first epochs of a stored run again and hold them against what is stored.

    run: a row of runs.parquet. Raises SweepError, DataError, and NotRankedError for a repaired run
    whose labels no stored runs rank.
    """
    config, stored = config_of(run), load_records(str(run["run_id"]), folder)[:epochs]
    with _threads(int(run["threads"])):
        data = data or load(config.data)
        evaluate_all = stored[0].evaluated_on is None  # as runs did before there was a choice
        ranking = stored_ranking(config, data, folder)
        again = train(config, data, "cpu", evaluate_all=evaluate_all, ranking=ranking)
        computed = list(itertools.islice(again, len(stored)))
        now = (hardware("cpu").device, torch.__version__.partition("+")[0])
    tolerance = TOLERANCE if NETWORKS[config.model].is_flat else CONVOLUTIONAL_TOLERANCE
    if now == (run["device"], run["torch"].partition("+")[0]):
        tolerance = 0.0
    differences = [
        (_difference(name, getattr(old, name), getattr(new, name)), name, old, new)
        for old, new in zip(stored, computed, strict=True)
        for name in COMPARED
    ]
    largest, name, old, new = max(differences, key=lambda found: found[0])
    values = (getattr(old, name), getattr(new, name))
    return Check(config.run_id, len(stored), name, *values, largest, tolerance)


def _difference(name: str, stored: float | None, computed: float | None) -> float:
    if stored == computed:
        return 0.0
    if stored is None or computed is None or name == "learning_rate":
        return float("inf")
    return abs(stored - computed) / (stored if name.endswith("loss") else 1)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """As many threads as the stored run had: a product's rounding depends on them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
