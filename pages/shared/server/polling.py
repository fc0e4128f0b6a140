"""How often live pages are drawn anew: the more are watched, the less often.

All of them together have a share of one core, so that whoever moves a slider does not wait for
those who only watch. What one look costs this machine is measured.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pages.shared.server import resources

SHARE = 0.2  # of a core; a page that somebody opens, or whose slider moves, wants the rest
RECENT_SECONDS = 5.0  # a page that has not been drawn for so long is looked at no longer
LEFT_SECONDS = 120.0  # a visitor who has not looked for so long has left, and their runs are for others
NOTED_SECONDS = 30.0  # between two notes in the store of who looks, for other servers on it
USUAL_COST = 0.012  # CPU seconds of a look, until it is measured
AROUND = (
    2.7  # a look takes the server so much more than its drawing (10.4 ms and 3.9): messages, sockets
)
NEWEST = 0.05  # weight of the newest look in what one costs
STARTED = time.time()


@dataclass
class _Watch:
    """Which pages are looked at, and what that costs; times on the monotonic clock."""

    looked: dict[tuple[str, str], float] = field(default_factory=dict)  # visitor and page: when last
    pages: int = 0  # that are looked at
    cost: float = USUAL_COST  # CPU seconds of a look, with all that the server does around it

    def look(self, visitor: str, which: str) -> None:
        """This page is drawn."""
        now = time.monotonic()
        self.looked[visitor, which] = now
        still = RECENT_SECONDS + 2 * self.between()
        self.looked = {page: at for page, at in list(self.looked.items()) if now - at < still}
        self.pages = len(self.looked)

    def drawn(self, seconds: float) -> None:
        """A look has taken its thread so many CPU seconds.

        A slow mean of them, and not what the whole server takes: pages whose timers follow the load
        of the moment all slow down and speed up together, each time with a run of the whole page.
        """
        self.cost += NEWEST * (AROUND * seconds - self.cost)

    def between(self) -> float:
        """Seconds between two looks of each page."""
        return self.pages * self.cost / SHARE


@dataclass
class _Present:
    """Which visitors look; times in seconds since 1970."""

    looked: dict[str, float] = field(default_factory=dict)  # when last, since `noted`
    noted: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, visitor: str) -> None:
        """Everybody in one note: a transaction of its own for each locked out those who trained."""
        self.looked[visitor] = now = time.time()
        if now - self.noted > NOTED_SECONDS and self.lock.acquire(blocking=False):
            try:
                resources.store().note_polls(dict(self.looked))
                self.noted = now
                self.looked = {name: at for name, at in list(self.looked.items()) if at > now}
            finally:
                self.lock.release()

    def last(self, visitor: str) -> float:
        """When this visitor looked last, through whatever server; 0: never, or long ago."""
        return max(self.looked.get(visitor, 0.0), resources.store().last_poll(visitor))


_watch = _Watch()
_present = _Present()


def seconds_between(visitor: str, which: str) -> float:
    """Between two looks at a part of a page, where all that are watched have as many.

    which: the part, with a timer of its own.
    """
    _present.look(visitor)
    _watch.look(visitor, which)
    return _watch.between()


def needs_new_timer(every: float | None, wanted: float | None) -> bool:
    """Whether a part is drawn much more or less often than it should be; None: without a timer."""
    return bool(every and wanted) and not 0.6 < (wanted or 1.0) / (every or 1.0) < 1.7


@contextmanager
def measured() -> Iterator[None]:
    """Around the drawing of a look: what it costs tells how often there can be one."""
    began = time.thread_time()
    try:
        yield
    finally:
        _watch.drawn(time.thread_time() - began)


def has_left(visitor: str) -> bool:
    """Whether this visitor has looked at no live run for a while, nor this server just begun."""
    return time.time() - max(_present.last(visitor), STARTED) > LEFT_SECONDS
