"""The progress of a download."""

from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """The share of a download that is done, and what it is doing."""

    share: float  # in [0, 1]
    message: str


Report = Callable[[Progress], None]
