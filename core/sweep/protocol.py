"""The protocol of the sweep, and which of its runs may be averaged or compared."""

from collections.abc import Sequence

import pandas as pd

from core.choices import NETWORKS
from core.config import USUAL_WIDTH, RunConfig

# What the protocol fixes, beside the batch size: a run with another value is another experiment.
PROTOCOL: dict[str, float | str] = {"learning_rate_decay": 0.95, "momentum": 0.9}
PROTOCOL |= {"noise": "uniform", "validation": 0, "loss": "cross-entropy", "mixup": 0, "repair": "none"}
PROTOCOL |= {"width": USUAL_WIDTH}


PROTOCOL_BATCH_SIZE = {"full": 128, "embedded": 64}  # of the grids "paper" and "mini"
EXPERIMENT = ["model", "level", "corruption", "weight_decay", "random_crop"]  # all but seed and length


def protocol_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The sweep's runs that may be averaged over their seeds: alike in all else.

    Those with the protocol's batch size and learning rate; and of one experiment those that
    were to go on longest, for an end that was read early is another number.
    """
    runs = by_protocol(runs, data)
    length = runs.epochs + runs.epochs_after_fitted / 1000  # the epochs first
    return runs[length == length.groupby([runs[name] for name in EXPERIMENT]).transform("max")]


def by_protocol(runs: pd.DataFrame, data: str, but: Sequence[str] = ()) -> pd.DataFrame:
    """Those of these runs that keep to the protocol, however long; but: what of PROTOCOL may differ."""
    same = (runs.data == data) & (runs.batch_size == PROTOCOL_BATCH_SIZE[data])
    same &= runs.learning_rate == runs.model.map(
        {name: network.learning_rate for name, network in NETWORKS.items()}
    )
    for name, value in PROTOCOL.items():
        if name not in but:
            same &= runs[name] == value
    return runs[same]


def label_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The protocol's runs with corrupted labels, without any regularizer, as in figure 1c."""
    runs = protocol_runs(runs, data)
    return runs[(runs.corruption == "labels") & (runs.weight_decay == 0) & ~runs.random_crop]


def is_as_in_the_paper(config: RunConfig) -> bool:
    """Whether the labels are redrawn at random and nothing is done against it, as in figure 1c."""
    return config.corruption == "labels" and not (
        config.weight_decay
        or config.random_crop
        or any(getattr(config, name) != value for name, value in PROTOCOL.items())
    )
