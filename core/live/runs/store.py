"""The live runs and their epochs, between the pages and the trainer.

Pages submit runs and change their state; the trainer trains the active runs and adds their
epochs. A run belongs to one visitor, its owner; only the owner and the teacher can pause or
cancel it.
"""

import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence, Sized
from dataclasses import asdict
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from core.config import RunConfig
from core.live.runs.database import Database
from core.live.runs.limits import Limits
from core.paths import data_folder
from core.records import EpochProgress, EpochRecord


class Status(StrEnum):
    """The status of a run, and what changes it. An action that is not listed here changes nothing.

    from                      by                                    to
    (no such run)             submit                                queued
    queued, running           the trainer starts it                 running
    queued, running           the trainer adds an epoch             running
                              ... the one to pause after            paused
    queued, running           pause                                 paused
    paused                    resume, one_epoch                     queued
    queued, running, paused   cancel                                cancelled
    queued, running, paused   the trainer finishes it, it fails     finished, failed
    paused, cancelled, failed submit                                queued

    When a run is paused, cancelled or fails, the epoch in flight may still be added.
    """

    QUEUED = "queued"  # waits for its turn
    RUNNING = "running"  # takes turns with the others
    PAUSED = "paused"  # by a person, or after "one epoch"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        return self in ACTIVE

    @property
    def has_ended(self) -> bool:
        return self in ENDED


ACTIVE = (Status.QUEUED, Status.RUNNING)
UNENDED = (*ACTIVE, Status.PAUSED)
ENDED = (Status.FINISHED, Status.CANCELLED, Status.FAILED)
RESTARTABLE = (Status.PAUSED, Status.CANCELLED, Status.FAILED)  # submitting one continues it
SEEN_SECONDS = 3600.0  # precision of the time at which a run was last opened
LOOKS_KEPT_SECONDS = 3600.0  # visitors inactive for longer are forgotten
MAX_ATTEMPTS = 3  # starts without a finished epoch before a run fails
Value = str | int | float | None  # the type of a column's value
# Both may change every run. No visitor has such a name: those are hexadecimal.
TEACHER, TRAINER = "teacher", "trainer"

# Later than every earlier submission, even if the clock has been set back.
NOW = "MAX(?, COALESCE((SELECT MAX(asked) FROM visits), 0) + 0.000001)"


class LiveRun(NamedTuple):
    """One run in the store. It is a tuple because a thousand are created five times a second."""

    run_id: str
    config: RunConfig
    status: Status
    pause_after: int | None
    attempts: int
    message: str
    device: str
    requested_at: float  # seconds since 1970
    owner: str
    address: str  # the owner's network address; empty: this machine
    epochs_done: int
    images_done: int = 0  # in the current epoch, as last reported by the trainer
    running_loss: float | None = None  # see EpochProgress

    @property
    def is_active(self) -> bool:
        return self.status.is_active

    @property
    def has_ended(self) -> bool:
        return self.status.has_ended


class Store:
    """The runs in one database; every call is one transaction. Raises StoreError."""

    def __init__(self, path: Path | None = None, limits: Limits | None = None, patience: float = 2.0):
        """path: by default runs.sqlite in the data folder.

        limits: what a visitor may submit; None: anything.
        patience: seconds to wait for a file that another program has locked.
        """
        self.database = Database(path or data_folder() / "runs.sqlite", patience)
        self.limits = limits

    # Calls by the pages

    def submit(self, config: RunConfig, visitor: str, address: str = "") -> LiveRun:
        """Queue the run of this config, unless it is in the store already, and return it.

        A paused, cancelled or failed run is queued again, continues where it stopped, and now
        belongs to this visitor. So nobody can keep a run paused that others wait for.
        address: the visitor's network address; empty: the server itself.
        Raises RefusedError if the limits do not allow the run.
        """
        with self.database.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")  # count and insert in one transaction
            return self.submit_within(connection, [config], visitor, address)[0]

    def submit_all_levels(
        self, configs: Sequence[RunConfig], visitor: str, address: str = ""
    ) -> list[LiveRun]:
        """Like `submit`, for several runs that together count as one toward the visitor's limit."""
        with self.database.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            return self.submit_within(connection, configs, visitor, address, configs[0].run_id)

    def submit_within(
        self,
        connection: sqlite3.Connection,
        configs: Sequence[RunConfig],
        visitor: str,
        address: str = "",
        curve: str = "",
    ) -> list[LiveRun]:
        """Like `submit`, inside an open transaction that writes.

        curve: the id shared by runs that count as one; empty: each run counts.
        """
        self._admit(connection, configs, curve, visitor, address)
        now = time.time()
        for config in configs:
            settings = json.dumps(config.overrides())
            connection.execute(
                "INSERT INTO runs (run_id, config, status, asked, owner, address, curve) "
                f"VALUES (?, ?, ?, {NOW}, ?, ?, ?) "
                "ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, pause_after = NULL, "
                "attempts = 0, message = '', asked = excluded.asked, owner = excluded.owner, "
                "address = excluded.address, curve = excluded.curve "
                f"WHERE status IN ({_marks(RESTARTABLE)})",
                (config.run_id, settings, Status.QUEUED, now, visitor, address, curve, *RESTARTABLE),
            )
            connection.execute(
                f"INSERT INTO visits VALUES (?, ?, {NOW}) "
                "ON CONFLICT DO UPDATE SET asked = excluded.asked",
                (visitor, config.run_id, now),
            )
        return _runs_named(connection, [config.run_id for config in configs])

    def _admit(
        self,
        connection: sqlite3.Connection,
        configs: Sequence[RunConfig],
        curve: str,
        visitor: str,
        address: str,
    ) -> None:
        """Raise RefusedError if the limits do not allow these runs; curve: see `submit_within`."""
        new = [config for config in configs if not _is_there(connection, config.run_id)]
        if not self.limits or not new:
            return
        own, from_address, all_runs = connection.execute(
            "SELECT COUNT(DISTINCT CASE WHEN owner = ? THEN IIF(curve = '', run_id, curve) END), "
            "COALESCE(SUM(address = ? AND address != ''), 0), COUNT(*) FROM runs "
            f"WHERE run_id NOT IN ({_marks(new)}) AND NOT (curve != '' AND curve = ? AND owner = ?) "
            f"AND status IN ({_marks(UNENDED)})",
            (visitor, address, *(config.run_id for config in new), curve, visitor, *UNENDED),
        ).fetchone()
        for count, config in enumerate(new):
            self.limits.check(config, own, from_address + count, all_runs + count)

    def take_over(self, run_id: str, visitor: str) -> None:
        """Make this visitor the owner of an unended run. The caller checks that the owner is inactive."""
        self._change(run_id, "owner = ?", UNENDED, visitor, by=TRAINER)

    # Only the owner (`by` is the visitor) or TEACHER can change a run; other calls have no effect.

    def pause(self, run_id: str, *, by: str) -> None:
        """Pause a run: at once on a CPU, after the current epoch on a GPU."""
        self._change(run_id, "status = 'paused'", ACTIVE, by=by)

    def resume(self, run_id: str, *, by: str) -> None:
        """Queue a paused run again."""
        change = "status = 'queued', pause_after = NULL, attempts = 0"
        self._change(run_id, change, (Status.PAUSED,), by=by)

    def one_epoch(self, run_id: str, *, by: str) -> None:
        """Train one more epoch of a paused run, then pause it again."""
        change = "status = 'queued', pause_after = epochs_done + 1, attempts = 0"
        self._change(run_id, change, (Status.PAUSED,), by=by)

    def cancel(self, run_id: str, *, by: str) -> None:
        """Cancel a run that has not ended."""
        self._change(run_id, "status = 'cancelled'", UNENDED, by=by)

    def run(self, run_id: str) -> LiveRun | None:
        """Return the run with this id, or None."""
        with self.database.connect() as connection:
            return next(iter(_runs(connection, "WHERE run_id = ?", (run_id,))), None)

    def runs_named(self, run_ids: Sequence[str]) -> list[LiveRun]:
        """Return the runs with these ids that are in the store, in the order of `run_ids`."""
        with self.database.connect() as connection:
            return _runs_named(connection, run_ids)

    def runs_of(self, visitor: str) -> list[LiveRun]:
        """Return the runs that this visitor has submitted, latest first."""
        where = "JOIN visits USING (run_id) WHERE visitor = ? ORDER BY visits.asked DESC"
        with self.database.connect() as connection:
            return _runs(connection, where, (visitor,))

    def active_runs(self) -> list[LiveRun]:
        """Return the queued and running runs, in the order of submission."""
        return self._with_status(ACTIVE)

    def unended_runs(self) -> list[LiveRun]:
        """Return the queued, running and paused runs, in the order of submission."""
        return self._with_status(UNENDED)

    def paused(self, run_ids: Collection[str]) -> set[str]:
        """Return the ids among `run_ids` whose runs are paused."""
        with self.database.connect() as connection:
            rows = connection.execute(
                f"SELECT run_id FROM runs WHERE status = 'paused' AND run_id IN ({_marks(run_ids)})",
                tuple(run_ids),
            ).fetchall()
        return {row["run_id"] for row in rows}

    def records(self, run_id: str) -> list[EpochRecord]:
        """Return the records of all finished epochs of a run, in order."""
        with self.database.connect() as connection:
            rows = connection.execute(
                "SELECT record FROM epochs WHERE run_id = ? ORDER BY epoch", (run_id,)
            ).fetchall()
        return [EpochRecord(**json.loads(row["record"])) for row in rows]

    def last_records(self, runs: list[LiveRun]) -> list[tuple[LiveRun, EpochRecord]]:
        """Return each of these runs that has a finished epoch, with the record of its last epoch."""
        with self.database.connect() as connection:
            rows = connection.execute(
                "SELECT run_id, MAX(epoch), record FROM epochs "
                f"WHERE run_id IN ({_marks(runs)}) GROUP BY run_id",
                [run.run_id for run in runs],
            ).fetchall()
        last = {row["run_id"]: EpochRecord(**json.loads(row["record"])) for row in rows}
        return [(run, last[run.run_id]) for run in runs if run.run_id in last]

    def note_view(self, run_id: str) -> None:
        """Note that this run was opened, so that it is kept longer. Writes at most once an hour."""
        now = time.time()
        with self.database.connect() as connection:
            stale = connection.execute(
                "SELECT 1 FROM runs WHERE run_id = ? AND seen < ?", (run_id, now - SEEN_SECONDS)
            ).fetchone()
            if stale:
                connection.execute("UPDATE runs SET seen = ? WHERE run_id = ?", (now, run_id))

    def note_polls(self, looked: Mapping[str, float]) -> None:
        """Save the times of visitors' last polls; forget visitors inactive for LOOKS_KEPT_SECONDS."""
        long_ago = time.time() - LOOKS_KEPT_SECONDS
        with self.database.connect() as connection:
            connection.execute("DELETE FROM looks WHERE looked < ?", (long_ago,))
            connection.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?)", list(looked.items()))

    def last_poll(self, visitor: str) -> float:
        """Return the time of this visitor's last poll in seconds since 1970; 0: never, or long ago."""
        with self.database.connect() as connection:
            row = connection.execute(
                "SELECT looked FROM looks WHERE visitor = ?", (visitor,)
            ).fetchone()
        return row["looked"] if row else 0.0

    def speeds(self) -> dict[tuple[str, int], float]:
        """Return the speeds measured on this machine: images per second by (model, batch size)."""
        with self.database.connect() as connection:
            rows = connection.execute("SELECT * FROM speeds").fetchall()
        return {(row["model"], row["batch_size"]): row["images_per_second"] for row in rows}

    # Calls by the trainer

    def report_start(self, run_id: str, device: str) -> None:
        """Mark a queued run as running and count the attempt."""
        change = "status = 'running', attempts = attempts + 1, device = ?"
        self._change(run_id, change, ACTIVE, device, by=TRAINER)

    def report_progress(self, run_id: str, progress: EpochProgress) -> None:
        """Save the progress of the current epoch."""
        change = "images_done = ?, running_loss = ?"
        values = (progress.images, progress.running_loss)
        self._change(run_id, change, UNENDED, *values, by=TRAINER)

    def discount_attempt(self, run_id: str) -> None:
        """Undo the count of an attempt: there was too little memory for the run next to the others."""
        self._change(run_id, "attempts = attempts - 1", ACTIVE, by=TRAINER)

    def add_epoch(self, run_id: str, record: EpochRecord) -> None:
        """Save a finished epoch. An epoch that is reported twice is replaced."""
        with self.database.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO epochs VALUES (?, ?, ?)",
                (run_id, record.epoch, json.dumps(asdict(record))),
            )
            connection.execute(
                "UPDATE runs SET attempts = 0, epochs_done = MAX(epochs_done, ?), images_done = 0, "
                "running_loss = NULL, status = CASE "
                "WHEN status IN ('queued', 'running') AND pause_after <= ? THEN 'paused' "
                "WHEN status = 'queued' THEN 'running' ELSE status END "
                "WHERE run_id = ?",
                (record.epoch, record.epoch, run_id),
            )

    def report_end(self, run_id: str) -> bool:
        """Mark a run as finished. Return False if it was cancelled meanwhile."""
        return self._change(run_id, "status = 'finished'", UNENDED, by=TRAINER)

    def report_failure(self, run_id: str, message: str) -> None:
        """Mark a run as failed; message: a sentence for the visitor."""
        self._change(run_id, "status = 'failed', message = ?", UNENDED, message, by=TRAINER)

    def report_speed(self, config: RunConfig, device: str, images_per_second: float) -> None:
        """Save the measured speed of this network and batch size on this machine."""
        with self.database.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO speeds VALUES (?, ?, ?, ?)",
                (config.model, config.batch_size, device, images_per_second),
            )

    # Calls by housekeeping

    def run_ids(self) -> list[str]:
        """Return the ids of all runs, whatever their status."""
        with self.database.connect() as connection:
            return [row["run_id"] for row in connection.execute("SELECT run_id FROM runs")]

    def seen_before(self, moment: float) -> list[str]:
        """Return ids of paused and ended runs last submitted or opened before then, oldest first."""
        statuses = (Status.PAUSED, *ENDED)
        with self.database.connect() as connection:
            rows = connection.execute(
                "SELECT run_id, MAX(runs.asked, seen, COALESCE((SELECT MAX(asked) FROM visits "
                "WHERE visits.run_id = runs.run_id), 0)) AS last FROM runs "
                f"WHERE status IN ({_marks(statuses)}) AND last < ? ORDER BY last",
                (*statuses, moment),
            ).fetchall()
        return [row["run_id"] for row in rows]

    def has_ended(self, run_id: str) -> bool:
        """Whether this run is in the store and is finished, cancelled or failed."""
        run = self.run(run_id)
        return run is not None and run.has_ended

    def forget(self, run_id: str) -> None:
        """Delete a run that is not active, with its epochs and visits."""
        with self.database.connect() as connection:
            connection.execute(
                f"DELETE FROM runs WHERE run_id = ? AND status NOT IN ({_marks(ACTIVE)})",
                (run_id, *ACTIVE),
            )

    def _with_status(self, statuses: tuple[Status, ...]) -> list[LiveRun]:
        where = f"WHERE status IN ({_marks(statuses)}) ORDER BY runs.asked"
        with self.database.connect() as connection:
            return _runs(connection, where, statuses)

    def _change(
        self, run_id: str, change: str, allowed: tuple[Status, ...], *values: Value, by: str
    ) -> bool:
        """Change a run if `by` may and its status is in `allowed`; return whether it changed."""
        with self.database.connect() as connection:
            changed = connection.execute(
                f"UPDATE runs SET {change} WHERE run_id = ? AND status IN ({_marks(allowed)}) "
                "AND (owner = ? OR ?)",
                (*values, run_id, *allowed, by, by in (TEACHER, TRAINER)),
            )
        return changed.rowcount == 1


def _is_there(connection: sqlite3.Connection, run_id: str) -> bool:
    """Whether the run is in the store and submitting it would not queue it again."""
    return bool(
        connection.execute(
            f"SELECT 1 FROM runs WHERE run_id = ? AND status NOT IN ({_marks(RESTARTABLE)})",
            (run_id, *RESTARTABLE),
        ).fetchone()
    )


# In the order of LiveRun's fields, which is fast: a trainer reads all active runs five times a second.
COLUMNS = (
    "runs.run_id, config, status, pause_after, attempts, message, device, runs.asked, owner, "
    "address, epochs_done, images_done, running_loss"
)
STATUSES = {status.value: status for status in Status}


def _runs(connection: sqlite3.Connection, where: str, values: tuple[str, ...]) -> list[LiveRun]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM runs {where}", values).fetchall()
    return [LiveRun(row[0], _config(row[1]), STATUSES[row[2]], *row[3:]) for row in rows]


def _runs_named(connection: sqlite3.Connection, run_ids: Sequence[str]) -> list[LiveRun]:
    found = _runs(connection, f"WHERE run_id IN ({_marks(run_ids)})", tuple(run_ids))
    return sorted(found, key=lambda run: run_ids.index(run.run_id))


@lru_cache(maxsize=4096)
def _config(text: str) -> RunConfig:
    return RunConfig(**json.loads(text))


def _marks(values: Sized) -> str:
    return ", ".join("?" * len(values))
