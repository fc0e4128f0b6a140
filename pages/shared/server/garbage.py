"""When a server of many visitors looks for garbage: Streamlit would do so after every run of a page."""

import gc
import time

from pages.shared.server.cache import keep

COLLECT_SECONDS = 10.0


class AllGarbage:
    """Collected after ten seconds, or later, so that it takes no more than a fiftieth of the time."""

    def __init__(self) -> None:
        self.due = 0.0  # on the monotonic clock

    def collect_when_due(self) -> None:
        began = time.monotonic()
        if began < self.due:
            return
        gc.unfreeze()
        gc.collect()
        taken = time.monotonic() - began
        self.due = began + max(COLLECT_SECONDS, 50 * taken)


_all_garbage = AllGarbage()


@keep(1, seconds=0.1)
def spare_the_collector() -> None:
    """Streamlit collects all garbage after every run of a page or fragment: 80 ms and more.

    What is there (modules, the sessions of a whole class) is set apart ten times a second, so
    that little is left to look through. All of it is looked through now and then: the more pages
    are open the longer that takes, and nobody is answered meanwhile.
    """
    _all_garbage.collect_when_due()
    gc.freeze()
