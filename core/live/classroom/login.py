"""The teacher's password: its hash, and the door that it opens."""

import hashlib
import hmac
import re
import secrets
import threading
import time

from core.errors import ConfigError, RefusedError
from core.live.runs.database import Database

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


def is_password(password: str, hashed: str) -> bool:
    """Whether hash_password made this of it."""
    _, salt, expected = hashed.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(expected))


class Login:
    """The teacher's door; tries are counted over all visitors, and over all servers of one store."""

    def __init__(self, hashed: str, database: Database):
        """hashed: what hash_password returned."""
        self.hashed, self.database = hashed, database
        self._lock = threading.Lock()

    def is_right(self, password: str, who: str = "", address: str = "", is_known: bool = False) -> bool:
        """Whether this is the password. Raises RefusedError after too many wrong ones, StoreError.

        who: the visitor; others' wrong tries do not keep them out, unless there are very many.
        address: of the network, from which they come; empty: this machine.
        is_known: a session that was in before, or at the server itself: not kept out by those, either.
        """
        with self._lock:  # also: one scrypt at a time
            now = time.time()
            tries = self._wrong_tries(now)
            own = [tried for tried, name, _ in tries if name == who]
            near = [tried for tried, _, place in tries if address and place == address]
            counts = [(own, TRIES)]
            if not is_known:
                counts += [(near, ADDRESS_TRIES), ([tried for tried, _, _ in tries], ALL_TRIES)]
            for moments, most in counts:
                if len(moments) >= most:
                    wait = TRIES_SECONDS - (now - moments[-most])
                    raise RefusedError(f"Too many wrong passwords: try again in {wait:.0f} s.")
            is_right = is_password(password, self.hashed)
            if not is_right:
                with self.database.connect() as connection:
                    connection.execute(
                        "INSERT INTO wrong_passwords VALUES (?, ?, ?)", (now, who, address)
                    )
            return is_right

    def _wrong_tries(self, now: float) -> list[tuple[float, str, str]]:
        """When, who, from which address; those that count, in their order."""
        with self.database.connect() as connection:
            connection.execute(
                "DELETE FROM wrong_passwords WHERE tried <= ? OR tried > ?", (now - TRIES_SECONDS, now)
            )  # the clock may have been set back
            rows = connection.execute("SELECT * FROM wrong_passwords ORDER BY tried").fetchall()
        return [(row["tried"], row["visitor"], row["address"]) for row in rows]


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)
