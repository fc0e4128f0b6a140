"""Caches that all visitors share.

Streamlit's own caches are not used, because any visitor's browser can clear them, again and again.
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
    """Cache the result of a function without arguments. Simultaneous first calls run it only once."""
    lock, made = threading.Lock(), cache(make)

    @wraps(make)
    def get() -> T:
        with lock:
            return made()

    return get


def cached(most: int, seconds: float = math.inf) -> Callable[[F], F]:
    """Cache a function's results for the last `most` different arguments, for this many seconds.

    Arguments are positional. Parameters that begin with an underscore are not part of the key.
    Results are shared, so callers must not change them.
    """

    def decorate(make: F) -> F:
        names = list(inspect.signature(make).parameters)
        in_key = [place for place, name in enumerate(names) if not name.startswith("_")]
        results: OrderedDict[tuple, tuple[float, Any]] = OrderedDict()
        lock, making = threading.Lock(), dict[tuple, Any]()  # a lock for each key in the making

        @wraps(make)
        def get(*arguments: Any) -> Any:
            key = tuple(arguments[place] for place in in_key)
            found = results.get(key)
            if found is None or time.monotonic() > found[0]:
                with lock:
                    own = making.setdefault(key, threading.RLock())
                try:
                    with own:  # one call makes a missing result; calls for other keys do not wait
                        found = results.get(key)
                        if found is None or time.monotonic() > found[0]:
                            found = (time.monotonic() + seconds, make(*arguments))
                            with lock:
                                results[key] = found
                                while len(results) > most:
                                    results.popitem(last=False)
                finally:
                    with lock:
                        making.pop(key, None)
            return found[1]

        get.clear = results.clear  # type: ignore[attr-defined]
        return get  # type: ignore[return-value]

    return decorate
