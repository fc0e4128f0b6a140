"""The whole curve, live: a network at every corruption level, by one visitor or by a class.

A class shares it out: who comes next takes the next place, which is a level and a seed. The
first eleven places are the figure; what more there are give it means and a spread.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from core.config import LEVELS, MAX_SEED, RunConfig
from core.errors import RefusedError
from core.live.runs.store import LiveRun, Status, Store
from core.records import EpochRecord
from core.sweep.grids import BY_VALUE

MAX_PLACES = 1_000  # in a room


def all_levels(config: RunConfig) -> list[RunConfig]:
    """The run at each of LEVELS, its labels corrupted and nothing repaired. Raises ConfigError."""
    plain = replace(config, corruption="labels", repair="none", repaired=0.0, fold=0)
    return [replace(plain, level=level) for level in LEVELS]


def of_place(config: RunConfig, place: int) -> RunConfig:
    """The run of a place: level and seed; config: what the class trains, with its first seed.

    Both ends and the middle come first: with few students the figure has its shape early.
    """
    rounds, step = divmod(place, len(BY_VALUE))
    return replace(config, level=BY_VALUE[step], seed=(config.seed + rounds) % (MAX_SEED + 1))


class LevelPoint(NamedTuple):
    """How far a run of a curve has come: its last epoch."""

    level: float
    seed: int
    epoch: int  # 0: none yet, and no errors
    epochs: int
    train_error: float | None
    test_error: float | None
    is_finished: bool
    is_active: bool  # waits for its turn or is in training; else finished, paused, or ended before


def level_points(store: Store, configs: Iterable[RunConfig]) -> list[LevelPoint]:
    """A point for each of these runs that is in the store, in their order."""
    runs = store.runs_named([config.run_id for config in configs])
    last = {run.run_id: record for run, record in store.last_records(runs)}
    return [_point(run, last.get(run.run_id)) for run in runs]


def _point(run: LiveRun, record: EpochRecord | None) -> LevelPoint:
    return LevelPoint(
        run.config.level,
        run.config.seed,
        record.epoch if record else 0,
        run.config.epochs,
        record.train_error if record else None,
        record.test_error if record else None,
        run.status is Status.FINISHED,
        run.is_active,
    )


class SharedLevels:
    """The curve that a room trains together. Raises StoreError."""

    def __init__(self, store: Store):
        self.store = store

    def share_out(self, room: str, config: RunConfig) -> None:
        """From now on whoever comes takes a place; of another curve before nothing is kept here."""
        last = all_levels(config)[-1]  # a run at level 0 has forgotten what its noise would be
        with self.store.database.connect() as connection:
            connection.execute("DELETE FROM shares WHERE room = ?", (room,))
            connection.execute(
                "INSERT OR REPLACE INTO shared_curves (room, config) VALUES (?, ?)",
                (room, json.dumps(last.overrides())),
            )

    def end(self, room: str) -> None:
        """Nobody takes a place any more; runs that have begun go on, and the figure stays."""
        with self.store.database.connect() as connection:
            connection.execute("UPDATE shared_curves SET is_open = 0 WHERE room = ?", (room,))

    def is_open(self, room: str) -> bool:
        """Whether places are given out in this room."""
        with self.store.database.connect() as connection:
            return _shared(connection, room)[1]

    def config(self, room: str) -> RunConfig | None:
        """What the room trains or has trained, at level 1; None: it has shared out nothing."""
        with self.store.database.connect() as connection:
            return _shared(connection, room)[0]

    def configs(self, room: str) -> list[RunConfig]:
        """The runs of all places that are taken; their order is that of the places."""
        config = self.config(room)
        if config is None:
            return []
        with self.store.database.connect() as connection:
            rows = connection.execute(
                "SELECT place FROM shares WHERE room = ? ORDER BY place", (room,)
            ).fetchall()
        return [of_place(config, row["place"]) for row in rows]

    def take(self, room: str, visitor: str, address: str = "") -> LiveRun | None:
        """The run of this visitor's place: queued now, or the one they have; None where none is given out.

        Who has trained theirs takes another one while one of the first eleven is free. A place is
        free for others when its run was cancelled or has failed, and, where no other is, when it is
        paused. Raises RefusedError where the limits do not allow the run.
        """
        with self.store.database.connect() as connection:  # most only look, and lock nobody out
            config, run, _ = self._place(connection, room, visitor)
        if config is None or run is not None:
            return run
        with self.store.database.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")  # of two who come at once each has a place
            config, run, place = self._place(connection, room, visitor)
            if config is None or run is not None:
                return run
            if place >= MAX_PLACES:
                raise RefusedError("Everybody's place in this room's curve is taken: watch the figure.")
            wanted = of_place(config, place)
            connection.execute(
                "INSERT OR REPLACE INTO shares VALUES (?, ?, ?, ?)",
                (room, place, visitor, wanted.run_id),
            )
            return self.store.submit_within(connection, [wanted], visitor, address)[0]

    def _place(
        self, connection: sqlite3.Connection, room: str, visitor: str
    ) -> tuple[RunConfig | None, LiveRun | None, int]:
        """What the room trains, the run that this visitor keeps, and the place for who has none.

        None, None and 0 where no places are given out.
        """
        config, is_open = _shared(connection, room)
        if not is_open:
            return None, None, 0
        rows = connection.execute(
            "SELECT place, visitor, shares.run_id, status FROM shares "
            "LEFT JOIN runs USING (run_id) WHERE room = ? ORDER BY place",
            (room,),
        ).fetchall()
        own = [row for row in rows if row["visitor"] == visitor and row["status"]]
        unfinished = [row for row in own if row["status"] != Status.FINISHED]
        place = _next_place([(row["place"], row["status"]) for row in rows])
        if unfinished or (own and place >= len(BY_VALUE)):
            return config, self.store.run((unfinished or own)[-1]["run_id"]), place
        return config, None, place


def _shared(connection: sqlite3.Connection, room: str) -> tuple[RunConfig | None, bool]:
    """What the room trains together, if anything, and whether places of it are given out."""
    row = connection.execute(
        "SELECT config, is_open FROM shared_curves WHERE room = ?", (room,)
    ).fetchone()
    return (RunConfig(**json.loads(row["config"])), bool(row["is_open"])) if row else (None, False)


def _next_place(taken: list[tuple[int, str | None]]) -> int:
    """The place for who comes now; taken: each place and its run's status, None where it has no run."""
    statuses = dict(taken)
    new = next(place for place in range(len(statuses) + 1) if place not in statuses)
    is_dead = (None, Status.CANCELLED, Status.FAILED)
    dead = [place for place, status in taken if status in is_dead]
    if dead or new < len(BY_VALUE):
        return min([*dead, new])
    paused = [place for place, status in taken if status == Status.PAUSED]
    return paused[0] if paused else new
