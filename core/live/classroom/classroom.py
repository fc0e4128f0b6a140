"""What a teacher and a class share: rooms with their lessons, guesses, and the whole queue.

A room is a code in the address (?room=K7P2X); whoever opens it gets the lesson's settings.
Guesses are kept with the visitor's random name, so that each has one, and shown without it.
"""

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from core.config import LEVELS, RunConfig
from core.errors import ConfigError, RefusedError
from core.live.runs.store import TEACHER, LiveRun, Store

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that reads like something else
CODE_LENGTH = 5
MAX_GUESSES = 1_000  # kept in a room
TEACHER_SECONDS = 12 * 3600.0  # an opened teacher's page stays open, also when the connection is lost
HIDEABLE = {"preset": "Preset", "level": "Corruption level", "more": "Network and more settings"}


@dataclass(frozen=True)
class Lesson:
    """What a room's visitors find set, and which controls they do not see. Raises ConfigError."""

    title: str = "Lesson"
    config: RunConfig = field(default_factory=RunConfig)
    hidden: tuple[str, ...] = ()  # of HIDEABLE
    guess_first: bool = False  # the sweep opens to those who have drawn their guess

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not 1 <= len(self.title.strip()) <= 80:
            raise ConfigError("A lesson needs a title of 1 to 80 characters.")
        unknown = set(self.hidden) - set(HIDEABLE)
        if unknown:
            raise ConfigError(
                f"{sorted(unknown)[0]!r} is not a control: choose of {', '.join(HIDEABLE)}."
            )

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "config": self.config.overrides()})

    @classmethod
    def from_json(cls, text: str) -> "Lesson":
        values = json.loads(text)
        return cls(**{**values, "config": RunConfig(**values["config"])})


class Attendance(NamedTuple):
    """Visitors of a room."""

    joined: int
    guessed: int
    training: int  # with a run that waits or trains
    done: int  # with a run that is finished


class Classroom:
    """The rooms, their guesses, and the teacher's hold on the queue. Raises StoreError."""

    def __init__(self, store: Store):
        self.store = store

    def open_room(self, lesson: Lesson) -> str:
        """A new room; returns its code."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        with self.store.database.connect() as connection:
            connection.execute(
                "INSERT INTO rooms VALUES (?, ?, ?)", (code, lesson.to_json(), time.time())
            )
        return code

    def lesson(self, code: str | None) -> Lesson | None:
        """The lesson of this room; None if there is no such room."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT lesson FROM rooms WHERE code = ?", ((code or "").upper(),)
            ).fetchone()
        return Lesson.from_json(row["lesson"]) if row else None

    def rooms(self) -> dict[str, Lesson]:
        """All rooms by code, the latest first."""
        with self.store.database.connect() as connection:
            rows = connection.execute("SELECT * FROM rooms ORDER BY opened DESC").fetchall()
        return {row["code"]: Lesson.from_json(row["lesson"]) for row in rows}

    def join(self, room: str, visitor: str) -> None:
        """This visitor has come into the room; counted once."""
        with self.store.database.connect() as connection:
            connection.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (room, visitor))

    def attendance(self, room: str) -> "Attendance":
        """How many of the room have joined, guessed, train and have trained at this moment."""
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
        """Eleven fractions each, at LEVELS. One for each visitor and room: the first one counts.

        Raises ConfigError for anything else than such fractions, RefusedError for a second guess.
        """
        guess = [[float(value) for value in values] for values in (test_errors, train_errors)]
        if any(len(values) != len(LEVELS) for values in guess):
            raise ConfigError(f"A guess has {len(LEVELS)} test and training errors.")
        if not all(0 <= value <= 1 for values in guess for value in values):
            raise ConfigError("An error is from 0% to 100%.")
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
            raise RefusedError("You have made your guess already: the first one counts.")

    def guess_of(self, room: str, visitor: str) -> tuple[list[float], list[float]] | None:
        """Test errors and training errors that this visitor has guessed here; None: not yet."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT guess FROM guesses WHERE room = ? AND visitor = ?", (room, visitor)
            ).fetchone()
        if row is None:
            return None
        test, training = json.loads(row["guess"])
        return test, training

    def guesses(self, room: str) -> np.ndarray:
        """All guesses of a room: (n, 2, 11), test errors before training errors."""
        with self.store.database.connect() as connection:
            rows = connection.execute(
                "SELECT guess FROM guesses WHERE room = ? ORDER BY rowid", (room,)
            ).fetchall()
        guesses = [json.loads(row["guess"]) for row in rows]
        return np.array(guesses, dtype=float).reshape(len(guesses), 2, len(LEVELS))

    def add_stop(self, room: str, visitor: str, run_id: str, epoch: int) -> None:
        """The epoch after which this visitor stopped the replay of a run. The first one counts.

        Raises RefusedError for a second one.
        """
        with self.store.database.connect() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO stops (room, visitor, run_id, epoch) VALUES (?, ?, ?, ?)",
                (room, visitor, run_id, epoch),
            )
        if not added.rowcount:
            raise RefusedError("You have stopped it already: the first time counts.")

    def stop_of(self, room: str, visitor: str, run_id: str) -> int | None:
        """When this visitor stopped it; None: not yet."""
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT epoch FROM stops WHERE room = ? AND visitor = ? AND run_id = ?",
                (room, visitor, run_id),
            ).fetchone()
        return row["epoch"] if row else None

    def stops(self, room: str, run_id: str) -> list[int]:
        """When everybody in a room stopped it."""
        with self.store.database.connect() as connection:
            rows = connection.execute(
                "SELECT epoch FROM stops WHERE room = ? AND run_id = ?", (room, run_id)
            ).fetchall()
        return [row["epoch"] for row in rows]

    # Who has opened the teacher's page

    def let_in(self, key: str) -> None:
        """Who has this key is the teacher, for a day of school or until they lock the page."""
        with self.store.database.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO teachers VALUES (?, ?)",
                (key, time.time() + TEACHER_SECONDS),
            )

    def lock_out(self, key: str) -> None:
        with self.store.database.connect() as connection:
            connection.execute("DELETE FROM teachers WHERE visitor = ?", (key,))

    def is_teacher(self, key: str) -> bool:
        with self.store.database.connect() as connection:
            row = connection.execute(
                "SELECT 1 FROM teachers WHERE visitor = ? AND until > ?", (key, time.time())
            ).fetchone()
        return row is not None

    # The queue, for the teacher's page alone

    @property
    def is_paused(self) -> bool:
        return self.store.database.state().is_paused

    def pause_all(self, is_paused: bool) -> None:
        """No epoch is started while this holds, whoever asks."""
        self.store.database.set_paused(is_paused)

    def clear_queue(self) -> int:
        """Cancel every run that waits, trains or is paused; how many they were. Epochs are kept."""
        waiting = self.waiting()
        for run in waiting:
            self.store.cancel(run.run_id, by=TEACHER)
        return len(waiting)

    def waiting(self) -> list[LiveRun]:
        """Every run that has not ended, in the order they were submitted."""
        return self.store.unended_runs()
