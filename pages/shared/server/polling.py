"""How often live pages are redrawn: the more pages, the less often each.

All live pages together get a share of one core, so that a visitor who moves a slider does not wait
for those who only watch. The cost of a redraw is measured.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pages.shared.server import resources

SHARE = 0.2  # share of a core; the rest is for pages that are opened or whose controls move
RECENT_SECONDS = 5.0  # a page that was not redrawn for longer is no longer open
LEFT_SECONDS = 120.0  # a visitor inactive for longer has left, and others may take over their runs
NOTED_SECONDS = 30.0  # between two writes of polls to the store, for other servers that use it
USUAL_COST = 0.012  # CPU seconds of a redraw, until it is measured
# Total cost of a redraw with messages and sockets / cost of the drawing alone (10.4 ms / 3.9 ms).
OVERHEAD = 2.7
NEWEST = 0.05  # weight of the newest redraw in the mean cost
STARTED = time.time()


@dataclass
class _Watch:
    """The open live pages and the cost of a redraw; times on the monotonic clock."""

    looked: dict[tuple[str, str], float] = field(
        default_factory=dict
    )  # time of the last poll by (visitor, page)
    pages: int = 0  # number of open live pages
    cost: float = USUAL_COST  # CPU seconds of a redraw, including its overhead

    def look(self, visitor: str, which: str) -> None:
        """Note that this page is being redrawn."""
        now = time.monotonic()
        self.looked[visitor, which] = now
        still = RECENT_SECONDS + 2 * self.between()
        self.looked = {page: at for page, at in list(self.looked.items()) if now - at < still}
        self.pages = len(self.looked)

    def drawn(self, seconds: float) -> None:
        """Add the CPU seconds of a redraw to the mean cost.

        A slow mean, not the current load of the server: with timers that follow the load, all pages
        would slow down and speed up together, each time with a run of the whole page.
        """
        self.cost += NEWEST * (OVERHEAD * seconds - self.cost)

    def between(self) -> float:
        """Return the seconds between two redraws of each page."""
        return self.pages * self.cost / SHARE


@dataclass
class _Present:
    """The visitors who poll live pages; times in seconds since 1970."""

    looked: dict[str, float] = field(
        default_factory=dict
    )  # time of the last poll by visitor, since `noted`
    noted: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, visitor: str) -> None:
        """Note a poll. All polls are written together: one transaction for each blocked training."""
        self.looked[visitor] = now = time.time()
        if now - self.noted > NOTED_SECONDS and self.lock.acquire(blocking=False):
            try:
                resources.store().note_polls(dict(self.looked))
                self.noted = now
                self.looked = {name: at for name, at in list(self.looked.items()) if at > now}
            finally:
                self.lock.release()

    def last(self, visitor: str) -> float:
        """Return the time of the visitor's last poll through any server; 0: never, or long ago."""
        return max(self.looked.get(visitor, 0.0), resources.store().last_poll(visitor))


_watch = _Watch()
_present = _Present()


def seconds_between(visitor: str, which: str) -> float:
    """Note a poll of a part of a page, and return the seconds until it should be redrawn.

    All open parts are redrawn equally often. which: the part, which has its own timer.
    """
    _present.look(visitor)
    _watch.look(visitor, which)
    return _watch.between()


def needs_new_timer(every: float | None, wanted: float | None) -> bool:
    """Whether a part is redrawn much more or much less often than it should be; None: no timer."""
    return bool(every and wanted) and not 0.6 < (wanted or 1.0) / (every or 1.0) < 1.7


@contextmanager
def measured() -> Iterator[None]:
    """Measure the CPU time of a redraw, which decides how often there can be one."""
    began = time.thread_time()
    try:
        yield
    finally:
        _watch.drawn(time.thread_time() - began)


def has_left(visitor: str) -> bool:
    """Whether this visitor has not polled for LEFT_SECONDS, nor has this server just started."""
    return time.time() - max(_present.last(visitor), STARTED) > LEFT_SECONDS
