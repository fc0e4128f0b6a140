"""The teacher's password: its hash, and the door that it opens."""

import hashlib
import hmac
import re
import secrets
import threading
import time

from core.errors import ConfigError, RefusedError

SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a try
TRIES, TRIES_SECONDS = 5, 60.0  # wrong passwords of one visitor in this time
ADDRESS_TRIES = 20  # of all who share an address of the network
ALL_TRIES = 60  # of all visitors together: a new cookie makes a new visitor


def hash_password(password: str) -> str:
    """scrypt$salt$hash: what may lie on a disk. Raises ConfigError for a short one."""
    if len(password) < 8:
        raise ConfigError("The password must have 8 characters or more.")
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def is_hash(text: str) -> bool:
    """Whether this is what hash_password returns, and not an example of it."""
    return re.fullmatch(r"scrypt\$[0-9a-f]{32}\$[0-9a-f]{128}", text) is not None


class Login:
    """The teacher's door: one for the server, so that tries are counted over all visitors."""

    def __init__(self, hashed: str):
        """hashed: what hash_password returned."""
        self.hashed = hashed
        # Moments on the monotonic clock, who, from which address.
        self._wrong_tries: list[tuple[float, str, str]] = []
        self._lock = threading.Lock()

    def is_right(self, password: str, who: str = "", address: str = "", is_known: bool = False) -> bool:
        """Whether this is the password. Raises RefusedError after too many wrong ones.

        who: the visitor; others' wrong tries do not keep them out, unless there are very many.
        address: of the network, from which they come; empty: this machine.
        is_known: a session that was in before, or at the server itself: not kept out by those, either.
        """
        with self._lock:  # also: one scrypt at a time
            now = time.monotonic()
            self._wrong_tries = [each for each in self._wrong_tries if now - each[0] < TRIES_SECONDS]
            own = [then for then, name, _ in self._wrong_tries if name == who]
            near = [then for then, _, place in self._wrong_tries if address and place == address]
            everybodys = [then for then, _, _ in self._wrong_tries]
            counts = [(own, TRIES)]
            if not is_known:
                counts += [(near, ADDRESS_TRIES), (everybodys, ALL_TRIES)]
            for tries, most in counts:
                if len(tries) >= most:
                    wait = TRIES_SECONDS - (now - tries[-most])
                    raise RefusedError(f"Too many wrong passwords: try again in {wait:.0f} s.")
            _, salt, expected = self.hashed.split("$")
            is_right = hmac.compare_digest(
                _scrypt(password, bytes.fromhex(salt)), bytes.fromhex(expected)
            )
            if not is_right:
                self._wrong_tries.append((now, who, address))
            return is_right


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)
