"""What visitors of this server may ask for, and who is the teacher: one file, lab.toml."""

import hashlib
import hmac
import secrets
import threading
import time
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from core.config import RunConfig
from core.errors import ConfigError, RefusedError, SettingsError
from core.paths import settings_file

SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a try
TRIES, TRIES_SECONDS = 5, 60.0  # wrong passwords in this time, from all visitors together


@dataclass(frozen=True)
class Limits:
    """Of one visitor. Checked where a run is accepted, not in a widget."""

    runs: int = 5  # waiting, training or paused at a time
    epochs: int = 400  # of one run
    images: int = 50_000  # of one run's training set

    def check(self, config: RunConfig, runs: int) -> None:
        """runs: how many the visitor has already. Raises RefusedError."""
        if config.epochs > self.epochs or config.epochs_after_fitted:
            raise RefusedError(f"A run can have up to {self.epochs} epochs here: ask for fewer.")
        if config.train_images > self.images:
            raise RefusedError(
                f"A run can learn from up to {self.images:,} images here: choose the embedded ones."
            )
        if runs >= self.runs:
            own = "one run" if self.runs == 1 else f"{self.runs} runs"
            raise RefusedError(
                f"You have {own} waiting or training, which is all that one visitor can have here: "
                "wait until one is finished, or cancel one."
            )


@dataclass(frozen=True)
class Policy:
    limits: Limits = Limits()
    teacher_password: str = ""  # as hash_password() writes it; empty: no teacher


def load_policy(path: Path | None = None) -> Policy:
    """The policy in lab.toml; the defaults where there is no such file. Raises SettingsError."""
    path = path or settings_file()
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return Policy()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): mend it or delete it.") from None
    limits, password = content.pop("limits", {}), content.pop("teacher_password", "")
    known = {spec.name for spec in fields(Limits)}
    unknown = sorted({*content, *(limits if isinstance(limits, dict) else ["limits"])} - known)
    if unknown:
        raise SettingsError(f"{path} sets {unknown[0]!r}, which is no setting: see lab.example.toml.")
    for name, value in limits.items():
        if type(value) is not int or value < 0:
            raise SettingsError(f"{path}: {name} is {value!r}, but must be a whole number.")
    if not isinstance(password, str) or (password and password.count("$") != 2):
        raise SettingsError(f"{path}: teacher_password is not what `python -m core password` printed.")
    return Policy(Limits(**limits), password)


def hash_password(password: str) -> str:
    """scrypt$salt$hash: what may lie on a disk. Raises ConfigError for a short one."""
    if len(password) < 8:
        raise ConfigError("The password must have 8 characters or more.")
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


class Gate:
    """The teacher's door: one for the server, so that tries are counted over all visitors."""

    def __init__(self, hashed: str):
        self.hashed = hashed
        self._wrong: list[float] = []
        self._lock = threading.Lock()

    def opens(self, password: str) -> bool:
        """Whether this is the password. Raises RefusedError after too many wrong ones."""
        with self._lock:  # also: one scrypt at a time
            now = time.monotonic()
            self._wrong = [tried for tried in self._wrong if now - tried < TRIES_SECONDS]
            if len(self._wrong) >= TRIES:
                wait = TRIES_SECONDS - (now - self._wrong[0])
                raise RefusedError(f"Too many wrong passwords: try again in {wait:.0f} s.")
            _, salt, kept = self.hashed.split("$")
            right = hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(kept))
            if not right:
                self._wrong.append(now)
            return right


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)
