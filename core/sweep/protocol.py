"""The protocol of the sweep, and the selection of runs that may be averaged or compared."""

from collections.abc import Sequence

import pandas as pd

from core.choices import NETWORKS
from core.config import USUAL_WIDTH, RunConfig

# Settings that the protocol fixes, besides batch size and learning rate. A run with another value
# is a different experiment.
PROTOCOL: dict[str, float | str] = {"learning_rate_decay": 0.95, "momentum": 0.9}
PROTOCOL |= {"noise": "uniform", "validation": 0, "loss": "cross-entropy", "mixup": 0, "repair": "none"}
PROTOCOL |= {"width": USUAL_WIDTH}


PROTOCOL_BATCH_SIZE = {"full": 128, "embedded": 64}  # of the grids "paper" and "mini"
EXPERIMENT = ["model", "level", "corruption", "weight_decay", "random_crop"]  # not seed and length


def protocol_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The sweep's runs that may be averaged over their seeds, because all else is equal.

    They keep to the protocol, and of one experiment only the runs with the longest planned
    training are included, because the error of a run that ends early is another number.
    """
    runs = by_protocol(runs, data)
    length = runs.epochs + runs.epochs_after_fitted / 1000  # ordered by epochs first
    return runs[length == length.groupby([runs[name] for name in EXPERIMENT]).transform("max")]


def by_protocol(runs: pd.DataFrame, data: str, but: Sequence[str] = ()) -> pd.DataFrame:
    """The runs that keep to the protocol, of any length. but: names in PROTOCOL that may differ."""
    same = (runs.data == data) & (runs.batch_size == PROTOCOL_BATCH_SIZE[data])
    same &= runs.learning_rate == runs.model.map(
        {name: network.learning_rate for name, network in NETWORKS.items()}
    )
    for name, value in PROTOCOL.items():
        if name not in but:
            same &= runs[name] == value
    return runs[same]


def label_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The runs by the protocol with corrupted labels and no regularizer, as in figure 1c."""
    runs = protocol_runs(runs, data)
    return runs[(runs.corruption == "labels") & (runs.weight_decay == 0) & ~runs.random_crop]


def is_as_in_the_paper(config: RunConfig) -> bool:
    """Whether the run has corrupted labels, no regularizer and all settings of PROTOCOL, as in figure 1c.

    Learning rate, batch size and images are not checked.
    """
    return config.corruption == "labels" and not (
        config.weight_decay
        or config.random_crop
        or any(getattr(config, name) != value for name, value in PROTOCOL.items())
    )
