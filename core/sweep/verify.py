"""A check that this code still reproduces the stored runs, by training their first epochs again."""

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from core.choices import NETWORKS
from core.data.cifar10 import Cifar10, load
from core.records import METRICS, TIMES
from core.sweep.results import ADDED_LATER, SWEEP_FOLDER, config_of, load_records
from core.sweep.runner import stored_ranking
from core.training.devices import hardware
from core.training.training import train

# The same processor, number of threads and torch must give identical numbers. Elsewhere rounding
# differs. Its effect on the first epochs was measured between bfloat16 and float32: up to 0.019 in
# six runs of the small network, up to 0.061 in six runs of AlexNet, and up to 0.067 in three runs of
# Inception, which is as much as the effect of another seed. Tolerances are absolute for shares and
# relative for losses.
TOLERANCE = 0.05  # for fully connected networks
CONVOLUTIONAL_TOLERANCE = 0.15
COMPARED = tuple(name for name in METRICS if name not in ("epoch", *TIMES))


Row = Mapping[str, Any] | pd.Series  # of runs.parquet


class Check(NamedTuple):
    """The largest difference between stored and recomputed epochs of one run."""

    run_id: str
    epochs: int
    metric: str  # the metric that differs most
    stored: float | None
    computed: float | None
    difference: float  # absolute for shares, relative for losses; 0 for identical numbers
    tolerance: float  # 0 with the same processor, threads and torch

    @property
    def is_reproduced(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance


def verify(
    run: Row, epochs: int = 2, folder: Path = SWEEP_FOLDER, data: Cifar10 | None = None
) -> Check:
    """Train the first epochs of a stored run again, and compare them with the stored epochs.

    run: a row of runs.parquet. Raises SweepError, DataError, and NotRankedError for a run that
    repairs labels, if no stored runs rank them. A run that a GPU computed is trained on the CPU and
    compared within the tolerance.
    """
    config, stored = config_of(run), load_records(str(run["run_id"]), folder)[:epochs]
    with _threads(None if pd.isna(run["threads"]) else int(run["threads"])):
        data = data or load(config.data)
        evaluate_all = stored[0].evaluated_on is None  # older versions always evaluated all
        ranking = stored_ranking(config, data, folder)
        again = train(config, data, "cpu", evaluate_all=evaluate_all, ranking=ranking)
        computed = list(itertools.islice(again, len(stored)))
        here = {**hardware("cpu")._asdict(), "torch": torch.__version__}
    tolerance = TOLERANCE if NETWORKS[config.model].is_flat else CONVOLUTIONAL_TOLERANCE
    if _rounding(here) == _rounding(run):
        tolerance = 0.0
    differences = [
        (_difference(name, getattr(old, name), getattr(new, name)), name, old, new)
        for old, new in zip(stored, computed, strict=True)
        for name in COMPARED
        if name not in ADDED_LATER or getattr(old, name) is not None
    ]
    largest, name, old, new = max(differences, key=lambda found: found[0])
    values = (getattr(old, name), getattr(new, name))
    return Check(config.run_id, len(stored), name, *values, largest, tolerance)


def _rounding(run: Row) -> tuple[str, int, str, str]:
    """All that rounding depends on: the type of device, threads, the processor, and torch.

    The processor is named in the parentheses after the device: "2 CPU threads (AMD EPYC, AVX512)".
    """
    processor = re.search(r"\((.*)\)$", run["device"])
    threads: int = 0 if pd.isna(run["threads"]) else int(run["threads"])
    version = run["torch"].partition("+")[0]
    return run["device_type"], threads, processor[1] if processor else "", version


def _difference(name: str, stored: float | None, computed: float | None) -> float:
    if stored == computed:
        return 0.0
    if stored is None or computed is None or name == "learning_rate":
        return float("inf")
    return abs(stored - computed) / (stored if name.endswith("loss") else 1)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """A context with the number of threads of the stored run; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
