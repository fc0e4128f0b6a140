"""The Label Corruption Lab as a library.

>>> from core import Run, RunConfig
>>> run = Run(RunConfig(level=0.4, epochs=5)).train()  # doctest: +SKIP

`RunConfig` holds the settings of a run. `load` returns the images. `train` yields a record after
each epoch. `Run` keeps the records, the scores and the trained network. `rank`,
`confident_joint` and `corrupt_labels` take and return arrays.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.cleaning.confident import confident_joint, estimated_transition
    from core.cleaning.ranking import rank
    from core.config import RunConfig
    from core.data.cifar10 import load
    from core.data.corruption import corrupt_labels
    from core.training.run import Run
    from core.training.training import train

__all__ = [
    "Run",
    "RunConfig",
    "confident_joint",
    "corrupt_labels",
    "estimated_transition",
    "load",
    "rank",
    "train",
]
# Imported on first use: torch takes seconds to import, and pages must not load it.
_WHERE = {
    "Run": "core.training.run",
    "RunConfig": "core.config",
    "confident_joint": "core.cleaning.confident",
    "corrupt_labels": "core.data.corruption",
    "estimated_transition": "core.cleaning.confident",
    "load": "core.data.cifar10",
    "rank": "core.cleaning.ranking",
    "train": "core.training.training",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    return resolve_name(f"{_WHERE[name]}:{name}")
