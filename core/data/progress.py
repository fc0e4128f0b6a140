"""How far a download is."""

from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    share: float  # of the whole, in [0, 1]
    message: str


Report = Callable[[Progress], None]
