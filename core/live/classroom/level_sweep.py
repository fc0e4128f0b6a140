"""The whole curve, live: one network at every corruption level, trained by one visitor or by a class.

In a class, each new student takes the next place, which is a level and a seed. The first eleven
places make up the figure; further places give it means and a spread.
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

MAX_PLACES = 1_000  # per room


def all_levels(config: RunConfig) -> list[RunConfig]:
    """Return the run at each of LEVELS, with corrupted labels and no repair. Raises ConfigError."""
    plain = replace(config, corruption="labels", repair="none", repaired=0.0, fold=0)
    return [replace(plain, level=level) for level in LEVELS]


def of_place(config: RunConfig, place: int) -> RunConfig:
    """Return the run of a place, which sets its level and seed.

    config: the run that the class trains, with the first seed. Both ends and the middle come first,
    so that the figure takes shape early in a small class.
    """
    rounds, step = divmod(place, len(BY_VALUE))
    return replace(config, level=BY_VALUE[step], seed=(config.seed + rounds) % (MAX_SEED + 1))


class LevelPoint(NamedTuple):
    """The last epoch of one run of a level sweep."""

    level: float
    seed: int
    epoch: int  # 0: no epoch yet, and no errors
    epochs: int
    train_error: float | None
    test_error: float | None
    is_finished: bool
    is_active: bool  # queued or running; otherwise finished, paused, cancelled or failed


def level_points(store: Store, configs: Iterable[RunConfig]) -> list[LevelPoint]:
    """Return one point for each of these runs that is in the store, in the order given."""
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
    """The level sweep that a room trains together. Raises StoreError."""

    def __init__(self, store: Store):
        self.store = store

    def share_out(self, room: str, config: RunConfig) -> None:
        """Start giving out the places of a level sweep, which replaces an earlier one."""
        last = all_levels(config)[-1]  # a run at level 0 stores no kind of noise
        with self.store.database.connect() as connection:
            connection.execute("DELETE FROM shares WHERE room = ?", (room,))
            connection.execute(
                "INSERT OR REPLACE INTO shared_curves (room, config) VALUES (?, ?)",
                (room, json.dumps(last.overrides())),
            )

    def end(self, room: str) -> None:
        """Stop giving out places. Runs that have begun continue, and the figure stays."""
        with self.store.database.connect() as connection:
            connection.execute("UPDATE shared_curves SET is_open = 0 WHERE room = ?", (room,))

    def is_open(self, room: str) -> bool:
        """Whether the room is giving out places."""
        with self.store.database.connect() as connection:
            return _shared(connection, room)[1]

    def config(self, room: str) -> RunConfig | None:
        """Return the run at level 1 of the room's level sweep, or None if it has none."""
        with self.store.database.connect() as connection:
            return _shared(connection, room)[0]

    def configs(self, room: str) -> list[RunConfig]:
        """Return the runs of all places that are taken, in the order of the places."""
        config = self.config(room)
        if config is None:
            return []
        with self.store.database.connect() as connection:
            rows = connection.execute(
                "SELECT place FROM shares WHERE room = ? ORDER BY place", (room,)
            ).fetchall()
        return [of_place(config, row["place"]) for row in rows]

    def take(self, room: str, visitor: str, address: str = "") -> LiveRun | None:
        """Return the run of this visitor's place, or None if the room gives out no places.

        The run is the one that the visitor has, or a new one that is queued now. A visitor whose run
        is finished gets another place while one of the first eleven is free. A place becomes free
        when its run is cancelled or fails, and, if no other place is free, when its run is paused.
        Raises RefusedError if the limits do not allow the run.
        """
        with self.store.database.connect() as connection:  # most calls only read, and lock nothing
            config, run, _ = self._place(connection, room, visitor)
        if config is None or run is not None:
            return run
        with self.store.database.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")  # two visitors at once get different places
            config, run, place = self._place(connection, room, visitor)
            if config is None or run is not None:
                return run
            if place >= MAX_PLACES:
                raise RefusedError("All places in this room's curve are taken: watch the figure.")
            new = of_place(config, place)
            connection.execute(
                "INSERT OR REPLACE INTO shares VALUES (?, ?, ?, ?)",
                (room, place, visitor, new.run_id),
            )
            return self.store.submit_within(connection, [new], visitor, address)[0]

    def _place(
        self, connection: sqlite3.Connection, room: str, visitor: str
    ) -> tuple[RunConfig | None, LiveRun | None, int]:
        """The room's run at level 1, the run that this visitor has, if any, and the next free place.

        None, None and 0 if the room gives out no places.
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
    """The run at level 1 of the room's level sweep, or None, and whether places are given out."""
    row = connection.execute(
        "SELECT config, is_open FROM shared_curves WHERE room = ?", (room,)
    ).fetchone()
    return (RunConfig(**json.loads(row["config"])), bool(row["is_open"])) if row else (None, False)


def _next_place(taken: list[tuple[int, str | None]]) -> int:
    """The next place to give out; taken: each place with its run's status, None if it has no run."""
    statuses = dict(taken)
    new = next(place for place in range(len(statuses) + 1) if place not in statuses)
    is_dead = (None, Status.CANCELLED, Status.FAILED)
    dead = [place for place, status in taken if status in is_dead]
    if dead or new < len(BY_VALUE):
        return min([*dead, new])
    paused = [place for place, status in taken if status == Status.PAUSED]
    return paused[0] if paused else new
