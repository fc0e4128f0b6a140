"""A room labels photographs: which each visitor sees, and what they answer. One answer each counts."""

import hashlib
import sqlite3

import numpy as np
from numpy.typing import NDArray

from core.cleaning.annotators import Answer
from core.config import CLASS_COUNT
from core.errors import ConfigError, RefusedError
from core.live.runs.store import Store

SHOWN = 20  # photographs for each visitor
POOL = 50  # photographs of a room, as many of each class: several see the same
TIMED_FROM = 10  # from this place on there is a limit
LIMIT_SECONDS = 3.0


class Annotation:
    """The answers of all rooms; outside any room, "", everybody's own. Raises StoreError."""

    def __init__(self, store: Store):
        self.store = store

    def images(self, room: str, visitor: str, labels: NDArray[np.integer]) -> list[int]:
        """Indices of the photographs of this visitor, the same whenever they are asked for.

        labels: of all training images.
        """
        pool_of = np.random.default_rng(_number("pool", room))
        pool = np.concatenate(
            [
                pool_of.choice(np.flatnonzero(labels == label), POOL // CLASS_COUNT, replace=False)
                for label in range(CLASS_COUNT)
            ]
        )
        own = np.random.default_rng(_number("visitor", room, visitor))
        return [int(image) for image in own.permutation(pool)[:SHOWN]]

    def add(self, room: str, visitor: str, place: int, image: int, label: int | None) -> None:
        """The answer to the photograph at a place; label None: the time was over.

        Raises RefusedError for a second answer, ConfigError for what is no class.
        """
        if label is not None and not 0 <= label < CLASS_COUNT:
            raise ConfigError("That is none of the ten names: choose one of the buttons.")
        with self.store.database.connect() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO annotations VALUES (?, ?, ?, ?, ?)",
                (room, visitor, image, label, place >= TIMED_FROM),
            )
        if not added.rowcount:
            raise RefusedError("You have named this photograph already: the first answer counts.")

    def answers_of(self, room: str, visitor: str) -> list[Answer]:
        with self.store.database.connect() as connection:
            return _answers(connection, "room = ? AND visitor = ?", room, visitor)

    def answers(self, room: str) -> list[Answer]:
        """Of everybody in the room."""
        with self.store.database.connect() as connection:
            return _answers(connection, "room = ?", room)


def _answers(connection: sqlite3.Connection, where: str, *values: str) -> list[Answer]:
    rows = connection.execute(
        f"SELECT visitor, image, label, is_timed FROM annotations WHERE {where}", values
    ).fetchall()
    return [Answer(row["visitor"], row["image"], row["label"], bool(row["is_timed"])) for row in rows]


def _number(*words: str) -> int:
    """For a random generator: the same for the same words, on every machine."""
    return int.from_bytes(hashlib.sha256("\n".join(words).encode()).digest()[:8], "big")
