"""How often live pages are drawn anew: the more are watched, the less often.

All of them together have a share of one core, so that whoever moves a slider does not wait for
those who only watch. What one look costs this machine is measured.
"""

import time
from dataclasses import dataclass, field

from pages.shared import resources
from pages.shared.keeping import keep

SHARE = 0.4  # of a core
RECENT_SECONDS = 5.0  # a page that has not been drawn for so long is looked at no longer
LEFT_SECONDS = 120.0  # a visitor who has not looked for so long has left, and their runs are for others
NOTED_SECONDS = 30.0  # between two notes in the store that a visitor looks, for other servers on it
MEASURED_SECONDS, MEASURED_LOOKS = 5.0, 50  # of this server, for what one costs
USUAL_COST, COSTS = 0.012, (0.004, 0.1)  # CPU seconds: until it is measured; the least and the most
STARTED = time.time()


@dataclass
class _Watch:
    """Which pages are looked at, and what that costs; times on the monotonic clock."""

    looked: dict[tuple[str, str], float] = field(default_factory=dict)  # visitor and page: when last
    pages: int = 0  # that are looked at
    cost: float = USUAL_COST  # CPU seconds of a look, with all that the server does around it
    looks: int = 0  # since `began`
    began: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)  # of this process then

    def look(self, visitor: str, which: str) -> None:
        """This page is drawn."""
        now = time.monotonic()
        self.looked[visitor, which] = now
        still = RECENT_SECONDS + 2 * self.between()
        self.looked = {page: at for page, at in list(self.looked.items()) if now - at < still}
        self.pages, self.looks = len(self.looked), self.looks + 1
        if now - self.began > MEASURED_SECONDS:
            cpu = time.process_time()
            if self.looks >= MEASURED_LOOKS:  # with fewer, something else is most of it
                self.cost = min(max((cpu - self.cpu) / self.looks, COSTS[0]), COSTS[1])
            self.began, self.cpu, self.looks = now, cpu, 0

    def between(self) -> float:
        """Seconds between two looks of each page."""
        return self.pages * self.cost / SHARE


_watch = _Watch()


def seconds_between(visitor: str, which: str = "lab") -> float:
    """Between two looks of a live page, where all that are watched have as many."""
    _note(visitor)
    _watch.look(visitor, which)
    return _watch.between()


@keep(1000, seconds=NOTED_SECONDS)
def _note(visitor: str) -> None:
    resources.store().note_look(visitor)


def has_left(visitor: str) -> bool:
    """Whether this visitor has looked at no live run for a while, nor this server just begun."""
    return time.time() - max(resources.store().last_look(visitor), STARTED) > LEFT_SECONDS
