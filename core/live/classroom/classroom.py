"""What a teacher and a class share: rooms with their lessons, guesses, and the whole queue.

A room is a code in the address (?room=K7P2X). Every visitor who opens that address gets the
lesson's settings. A guess is stored under the visitor's random name, so that each visitor has
one, and is shown without it.
"""

import json
import secrets
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from core.config import LEVELS, RunConfig
from core.errors import ConfigError, RefusedError
from core.live.runs.store import TEACHER, LiveRun, Store

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no characters that are easily confused
CODE_LENGTH = 5
MAX_GUESSES = 1_000  # per room
TEACHER_SECONDS = 12 * 3600.0  # duration of the teacher's login, even if the connection is lost
HIDEABLE = {"preset": "Preset", "level": "Corruption level", "more": "Network and more settings"}


@dataclass(frozen=True)
class Lesson:
    """The settings that a room's visitors start with, and the controls hidden from them.

    Raises ConfigError.
    """

    title: str = "Lesson"
    config: RunConfig = field(default_factory=RunConfig)
    hidden: tuple[str, ...] = ()  # keys of HIDEABLE
    guess_first: bool = False  # the sweep stays closed until a visitor has drawn a guess

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not 1 <= len(self.title.strip()) <= 80:
            raise ConfigError("A lesson needs a title of 1 to 80 characters.")
        unknown = set(self.hidden) - set(HIDEABLE)
        if unknown:
            raise ConfigError(
                f"{sorted(unknown)[0]!r} is not a control: choose from {', '.join(HIDEABLE)}."
            )

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "config": self.config.overrides()})

    @classmethod
    def from_json(cls, text: str) -> "Lesson":
        values = json.loads(text)
        return cls(**{**values, "config": RunConfig(**values["config"])})


class Attendance(NamedTuple):
    """Numbers of visitors of a room."""

    joined: int
    guessed: int
    training: int  # have a queued or running run
    done: int  # have a finished run


def room_code(typed: str) -> str:
    """Return the code that somebody meant: "su-zjn", "SU ZJN" and full-width letters are all SUZJN."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", typed))).upper()


class Classroom:
    """The rooms, their guesses, and the teacher's control of the queue. Raises StoreError."""

    def __init__(self, store: Store):
        self.store = store

    def open_room(self, lesson: Lesson) -> str:
        """Open a new room and return its code."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        with self.store.database.connect() as connection:
            connection.execute(
                "INSERT INTO rooms VALUES (?, ?, ?)", (code, lesson.to_json(), time.time())
            )
        return code

    def lesson(self, code: str | None) -> Lesson | None:
        """Return the lesson of the room with this code, or None if there is no such room."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT lesson FROM rooms WHERE code = ?", (room_code(code or ""),)
            ).fetchone()
        return Lesson.from_json(row["lesson"]) if row else None

    def rooms(self) -> dict[str, Lesson]:
        """Return the lessons of all rooms by room code, newest room first."""
        with self.store.database.connect() as connection:
            rows = connection.execute("SELECT * FROM rooms ORDER BY opened DESC").fetchall()
        return {row["code"]: Lesson.from_json(row["lesson"]) for row in rows}

    def join(self, room: str, visitor: str) -> None:
        """Note that this visitor has entered the room. Each visitor counts once."""
        with self.store.database.connect() as connection:
            connection.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (room, visitor))

    def attendance(self, room: str) -> "Attendance":
        """Count the room's visitors who have joined, have guessed, are training and have trained."""
        of_members = "owner IN (SELECT visitor FROM members WHERE room = ?)"
        with self.store.database.connect() as connection:
            counts = connection.execute(
                "SELECT (SELECT COUNT(*) FROM members WHERE room = ?), "
                "(SELECT COUNT(*) FROM guesses WHERE room = ?), "
                f"(SELECT COUNT(DISTINCT owner) FROM runs WHERE {of_members} "
                "AND status IN ('queued', 'running')), "
                f"(SELECT COUNT(DISTINCT owner) FROM runs WHERE {of_members} AND status = 'finished')",
                (room, room, room, room),
            ).fetchone()
        return Attendance(*counts)

    def add_guess(
        self, room: str, visitor: str, test_errors: Iterable[float], train_errors: Iterable[float]
    ) -> None:
        """Save a visitor's guess: eleven test errors and eleven training errors, fractions at LEVELS.

        Each visitor has one guess per room: the first one. Raises ConfigError if the values are not
        such fractions, RefusedError for a second guess.
        """
        guess = [[float(value) for value in values] for values in (test_errors, train_errors)]
        if any(len(values) != len(LEVELS) for values in guess):
            raise ConfigError(
                f"A guess has {len(LEVELS)} test errors and {len(LEVELS)} training errors."
            )
        if not all(0 <= value <= 1 for values in guess for value in values):
            raise ConfigError("An error must be between 0% and 100%.")
        with self.store.database.connect() as connection:
            added = connection.execute(
                "INSERT INTO guesses (room, guess, made, visitor) SELECT ?, ?, ?, ? "
                "WHERE NOT EXISTS (SELECT 1 FROM guesses WHERE room = ? AND visitor = ?)",
                (room, json.dumps(guess), time.time(), visitor, room, visitor),
            )
            connection.execute(
                "DELETE FROM guesses WHERE room = ? AND rowid NOT IN "
                "(SELECT rowid FROM guesses WHERE room = ? ORDER BY rowid DESC LIMIT ?)",
                (room, room, MAX_GUESSES),
            )
        if not added.rowcount:
            raise RefusedError("You have already made your guess: the first one counts.")

    def guess_of(self, room: str, visitor: str) -> tuple[list[float], list[float]] | None:
        """Return the test errors and training errors that this visitor guessed in the room, or None."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT guess FROM guesses WHERE room = ? AND visitor = ?", (room, visitor)
            ).fetchone()
        if row is None:
            return None
        test, training = json.loads(row["guess"])
        return test, training

    def guesses(self, room: str) -> np.ndarray:
        """Return all guesses of a room: (n, 2, 11), test errors before training errors."""
        with self.store.database.connect() as connection:
            rows = connection.execute(
                "SELECT guess FROM guesses WHERE room = ? ORDER BY rowid", (room,)
            ).fetchall()
        guesses = [json.loads(row["guess"]) for row in rows]
        return np.array(guesses, dtype=float).reshape(len(guesses), 2, len(LEVELS))

    def add_stop(self, room: str, visitor: str, run_id: str, epoch: int) -> None:
        """Save the epoch after which this visitor stopped the replay of a run. The first one counts.

        Raises RefusedError if the visitor has stopped this replay before.
        """
        with self.store.database.connect() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO stops (room, visitor, run_id, epoch) VALUES (?, ?, ?, ?)",
                (room, visitor, run_id, epoch),
            )
        if not added.rowcount:
            raise RefusedError("You have already stopped it: the first time counts.")

    def stop_of(self, room: str, visitor: str, run_id: str) -> int | None:
        """Return the epoch after which this visitor stopped the replay of the run, or None."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT epoch FROM stops WHERE room = ? AND visitor = ? AND run_id = ?",
                (room, visitor, run_id),
            ).fetchone()
        return row["epoch"] if row else None

    def stops(self, room: str, run_id: str) -> list[int]:
        """Return the epochs after which the visitors of a room stopped the replay of the run."""
        with self.store.database.connect() as connection:
            rows = connection.execute(
                "SELECT epoch FROM stops WHERE room = ? AND run_id = ?", (room, run_id)
            ).fetchall()
        return [row["epoch"] for row in rows]

    # Access to the teacher's page

    def let_in(self, key: str) -> None:
        """Open the teacher's page to this key for TEACHER_SECONDS, or until `lock_out`."""
        with self.store.database.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO teachers VALUES (?, ?)",
                (key, time.time() + TEACHER_SECONDS),
            )

    def lock_out(self, key: str) -> None:
        """Close the teacher's page to this key."""
        with self.store.database.connect() as connection:
            connection.execute("DELETE FROM teachers WHERE visitor = ?", (key,))

    def is_teacher(self, key: str) -> bool:
        """Whether the teacher's page is open to this key."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT 1 FROM teachers WHERE visitor = ? AND until > ?", (key, time.time())
            ).fetchone()
        return row is not None

    # The queue, for the teacher's page only

    @property
    def is_paused(self) -> bool:
        """Whether the teacher has paused all training."""
        return self.store.database.state().is_paused

    def pause_all(self, is_paused: bool) -> None:
        """Pause all training, or end that pause. While it lasts, no epoch is started."""
        self.store.database.set_paused(is_paused)

    def clear_queue(self) -> int:
        """Cancel every queued, running or paused run and return their number. Their epochs are kept."""
        waiting = self.waiting()
        for run in waiting:
            self.store.cancel(run.run_id, by=TEACHER)
        return len(waiting)

    def waiting(self) -> list[LiveRun]:
        """Return every run that has not ended, in the order of submission."""
        return self.store.unended_runs()
