"""What is made once and kept for all visitors.

Not Streamlit's caches: any visitor's browser can have them cleared, again and again.
"""

import inspect
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def once(make: Callable[[], T]) -> Callable[[], T]:
    """Make it at the first call, also where two visitors come at the same moment, and keep it."""
    lock, made = threading.Lock(), cache(make)

    @wraps(make)
    def get() -> T:
        with lock:
            return made()

    return get


def cached(most: int, seconds: float = math.inf) -> Callable[[F], F]:
    """Keep what a function returns for the `most` arguments that came last, for so many seconds.

    Arguments are positional; one whose parameter begins with an underscore does not tell two
    calls apart. What is returned is shared: whoever gets it must not change it.
    """

    def decorate(make: F) -> F:
        names = list(inspect.signature(make).parameters)
        told = [place for place, name in enumerate(names) if not name.startswith("_")]
        kept: OrderedDict[tuple, tuple[float, Any]] = OrderedDict()
        lock, making = threading.Lock(), dict[tuple, Any]()  # a lock for each key that is being made

        @wraps(make)
        def get(*arguments: Any) -> Any:
            key = tuple(arguments[place] for place in told)
            found = kept.get(key)
            if found is None or time.monotonic() > found[0]:
                with lock:
                    own = making.setdefault(key, threading.RLock())
                try:
                    with own:  # of two who miss it, one makes it; who misses another one does not wait
                        found = kept.get(key)
                        if found is None or time.monotonic() > found[0]:
                            found = (time.monotonic() + seconds, make(*arguments))
                            with lock:
                                kept[key] = found
                                while len(kept) > most:
                                    kept.popitem(last=False)
                finally:
                    with lock:
                        making.pop(key, None)
            return found[1]

        get.clear = kept.clear  # type: ignore[attr-defined]
        return get  # type: ignore[return-value]

    return decorate
