"""The teacher's password: how it is hashed, and how a login is checked."""

import hashlib
import hmac
import re
import secrets
import threading
import time

from core.errors import ConfigError, RefusedError
from core.live.runs.database import Database

SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and about 50 ms per try
TRIES, TRIES_SECONDS = 5, 60.0  # wrong passwords per visitor in this time
ADDRESS_TRIES = 20  # for all visitors with one network address
ALL_TRIES = 60  # for all visitors together, because a new cookie makes a new visitor


def hash_password(password: str) -> str:
    """Return scrypt$salt$hash, which is safe to store. Raises ConfigError for a short password."""
    if len(password) < 8:
        raise ConfigError("The password must have at least 8 characters.")
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def is_hash(text: str) -> bool:
    """Whether the text has the form that hash_password returns, and is not a placeholder."""
    return re.fullmatch(r"scrypt\$[0-9a-f]{32}\$[0-9a-f]{128}", text) is not None


def is_password(password: str, hashed: str) -> bool:
    """Whether `hashed` is the hash of this password."""
    _, salt, expected = hashed.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(expected))


class Login:
    """Checks the teacher's password. Tries count over all visitors and all servers of one store."""

    def __init__(self, hashed: str, database: Database):
        """hashed: the result of hash_password."""
        self.hashed, self.database = hashed, database
        self._lock = threading.Lock()

    def is_right(self, password: str, who: str = "", address: str = "", is_known: bool = False) -> bool:
        """Whether this is the password. Raises RefusedError after too many wrong ones, StoreError.

        who: the visitor. Wrong tries of others block this visitor only when there are very many.
        address: the visitor's network address; empty: this machine.
        is_known: the session logged in before, or runs on the server's machine. Wrong tries of
            others never block it.
        """
        with self._lock:  # also keeps it to one scrypt at a time
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
        """The wrong tries that still count, oldest first: time, visitor, network address."""
        with self.database.connect() as connection:
            connection.execute(
                "DELETE FROM wrong_passwords WHERE tried <= ? OR tried > ?", (now - TRIES_SECONDS, now)
            )  # the clock may have been set back
            rows = connection.execute("SELECT * FROM wrong_passwords ORDER BY tried").fetchall()
        return [(row["tried"], row["visitor"], row["address"]) for row in rows]


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)
