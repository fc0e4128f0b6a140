"""Labeling photographs in a room: who sees which, and the answers, of which the first one counts."""

import hashlib
import sqlite3

import numpy as np
from numpy.typing import NDArray

from core.cleaning.annotators import Answer
from core.config import CLASS_COUNT
from core.errors import ConfigError, RefusedError
from core.live.runs.store import Store

SHOWN = 20  # photographs per visitor
POOL = 50  # photographs per room, equally many of each class, so that several visitors share each
TIMED_FROM = 10  # first place (counted from 0) with a time limit
LIMIT_SECONDS = 3.0


class Annotation:
    """The answers of all rooms. Room "" holds the answers given outside any room. Raises StoreError."""

    def __init__(self, store: Store):
        self.store = store

    def images(self, room: str, visitor: str, labels: NDArray[np.integer]) -> list[int]:
        """Return the indices of this visitor's photographs; repeated calls return the same ones.

        labels: (N,), the labels of all training images.
        """
        pool_random = np.random.default_rng(_number("pool", room))
        pool = np.concatenate(
            [
                pool_random.choice(np.flatnonzero(labels == label), POOL // CLASS_COUNT, replace=False)
                for label in range(CLASS_COUNT)
            ]
        )
        own_random = np.random.default_rng(_number("visitor", room, visitor))
        return [int(image) for image in own_random.permutation(pool)[:SHOWN]]

    def add(self, room: str, visitor: str, place: int, image: int, label: int | None) -> None:
        """Save the visitor's answer to the photograph at `place`; label None: time ran out.

        Raises RefusedError for a second answer, ConfigError if `label` is not a class.
        """
        if label is not None and not 0 <= label < CLASS_COUNT:
            raise ConfigError("That is not one of the ten names: choose one of the buttons.")
        with self.store.database.connect() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO annotations VALUES (?, ?, ?, ?, ?)",
                (room, visitor, image, label, place >= TIMED_FROM),
            )
        if not added.rowcount:
            raise RefusedError("You have already named this photograph: the first answer counts.")

    def answers_of(self, room: str, visitor: str) -> list[Answer]:
        """Return the answers of one visitor in the room."""
        with self.store.database.connect() as connection:
            return _answers(connection, "room = ? AND visitor = ?", room, visitor)

    def answers(self, room: str) -> list[Answer]:
        """Return the answers of everybody in the room."""
        with self.store.database.connect() as connection:
            return _answers(connection, "room = ?", room)


def _answers(connection: sqlite3.Connection, where: str, *values: str) -> list[Answer]:
    rows = connection.execute(
        f"SELECT visitor, image, label, is_timed FROM annotations WHERE {where}", values
    ).fetchall()
    return [Answer(row["visitor"], row["image"], row["label"], bool(row["is_timed"])) for row in rows]


def _number(*words: str) -> int:
    """A seed for a random generator. Equal words give equal seeds on every machine."""
    return int.from_bytes(hashlib.sha256("\n".join(words).encode()).digest()[:8], "big")
