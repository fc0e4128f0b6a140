"""The live runs and their epochs in SQLite, between the pages and the trainer.

Write-ahead logging lets pages read while the trainer writes; a finished epoch survives
a kill of either. Pages ask for runs and change their state; the trainer trains what is
active and adds epochs. A run belongs to the visitor who asked for it first; only they and
the teacher can pause or cancel it. The file holds the rooms of core/live/classroom.py, too: who opens
it makes all of its tables.

    queued ──▶ running ──▶ finished            queued: waits for its turn
       ▲          │  ╲───▶ failed              paused: by a person, or after "one epoch"
       ╰─ paused ◀╯  ╲───▶ cancelled
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from core.config import RunConfig
from core.errors import StoreError
from core.live.settings import Limits
from core.paths import data_folder
from core.records import EpochRecord

ACTIVE = ("queued", "running")
ENDED = ("finished", "cancelled", "failed")
MAX_ATTEMPTS = 3  # starts of a run without a finished epoch, before it is given up

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    config TEXT NOT NULL,            -- JSON, what differs from the defaults
    status TEXT NOT NULL,
    pause_after INTEGER,             -- the epoch after which to pause; NULL: never
    attempts INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '',
    device TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',  -- the visitor whose turn it takes
    asked REAL NOT NULL              -- seconds since 1970, but never before an earlier one
);
CREATE TABLE IF NOT EXISTS epochs (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    record TEXT NOT NULL,            -- JSON of the EpochRecord
    PRIMARY KEY (run_id, epoch)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS visits (  -- which visitor has asked for which run
    visitor TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    asked REAL NOT NULL,
    PRIMARY KEY (visitor, run_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS speeds (  -- measured on this machine
    model TEXT NOT NULL,
    batch_size INTEGER NOT NULL,
    device TEXT NOT NULL,
    images_per_second REAL NOT NULL, -- over whole epochs, measuring included
    PRIMARY KEY (model, batch_size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (   -- what holds for the whole server
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rooms (
    code TEXT PRIMARY KEY,
    lesson TEXT NOT NULL,            -- JSON
    opened REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guesses (
    room TEXT NOT NULL,              -- empty: outside any room
    guess TEXT NOT NULL,             -- JSON: test errors, training errors
    made REAL NOT NULL
);
"""
# Later than any that was asked for before, even if the clock has been set back.
NOW = "MAX(?, COALESCE((SELECT MAX(asked) FROM visits), 0) + 0.000001)"
VERSION = 1  # of the schema, in PRAGMA user_version; 0: from before it was kept there
TEACHER, TRAINER = "teacher", "trainer"  # may change every run; visitors' names are hexadecimal


@dataclass(frozen=True)
class LiveRun:
    """A run as the store knows it."""

    run_id: str
    config: RunConfig
    status: str
    pause_after: int | None
    attempts: int
    message: str
    device: str
    asked: float
    owner: str
    epochs_done: int

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class Store:
    """Opened once a process; every call is a transaction of its own. Raises StoreError."""

    def __init__(self, path: Path | None = None, limits: Limits | None = None):
        """path: by default runs.sqlite in the data folder. limits: what a visitor may ask for; None: anything."""
        path = path or data_folder() / "runs.sqlite"
        self.path, self.limits = path, limits
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent} cannot be written ({error.strerror}).") from None
        self._is_open = False
        self._open()

    def _open(self) -> None:
        aside = self._set_aside_if_damaged()
        with self.connect() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection, self.path)
        if aside:
            self.set_note(
                "damaged",
                f"The file of the runs was damaged. It is kept as {aside.name}, and a new one has "
                "been begun: runs from before are not in it.",
            )
        self._is_open = True

    # What pages ask

    def ask_for(self, config: RunConfig, visitor: str) -> LiveRun:
        """The run of this config: queued now, or the one that is there already.

        A cancelled or failed run is queued again, goes on from its last epoch, and belongs
        to who asked last. Raises RefusedError for one that the limits do not allow.
        """
        run_id, now = config.run_id, time.time()
        with self.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")  # counted and added in one
            if self.limits and not self._is_there(connection, run_id):
                own = connection.execute(
                    "SELECT COUNT(*) FROM runs WHERE owner = ? "
                    "AND status IN ('queued', 'running', 'paused')",
                    (visitor,),
                ).fetchone()[0]
                self.limits.check(config, own)
            connection.execute(
                f"INSERT INTO runs (run_id, config, status, asked, owner) VALUES (?, ?, 'queued', {NOW}, ?) "
                "ON CONFLICT (run_id) DO UPDATE SET status = 'queued', pause_after = NULL, "
                "attempts = 0, message = '', asked = excluded.asked, owner = excluded.owner "
                "WHERE status IN ('cancelled', 'failed')",
                (run_id, json.dumps(config.settings()), now, visitor),
            )
            connection.execute(
                f"INSERT INTO visits VALUES (?, ?, {NOW}) "
                "ON CONFLICT DO UPDATE SET asked = excluded.asked",
                (visitor, run_id, now),
            )
        return self.run(run_id)

    # Each of these four: `by` the visitor who owns the run, or TEACHER; nothing happens else.

    def pause(self, run_id: str, *, by: str) -> None:
        """Stop training after the epoch that is being trained."""
        self._change(run_id, "status = 'paused'", ACTIVE, by=by)

    def go_on(self, run_id: str, *, by: str) -> None:
        self._change(run_id, "status = 'queued', pause_after = NULL, attempts = 0", ("paused",), by=by)

    def one_epoch(self, run_id: str, *, by: str) -> None:
        """Train one more epoch, then pause."""
        done = "(SELECT COUNT(*) FROM epochs WHERE epochs.run_id = runs.run_id)"
        change = f"status = 'queued', pause_after = {done} + 1, attempts = 0"
        self._change(run_id, change, ("paused",), by=by)

    def cancel(self, run_id: str, *, by: str) -> None:
        self._change(run_id, "status = 'cancelled'", (*ACTIVE, "paused"), by=by)

    def run(self, run_id: str) -> LiveRun | None:
        return next(iter(self._runs("WHERE run_id = ?", (run_id,))), None)

    def runs_of(self, visitor: str) -> list[LiveRun]:
        """The runs this visitor has asked for, the latest first."""
        return self._runs(
            "JOIN visits USING (run_id) WHERE visitor = ? ORDER BY visits.asked DESC", (visitor,)
        )

    def active_runs(self) -> list[LiveRun]:
        """Queued and running ones, in the order they were asked for."""
        return self._runs("WHERE status IN ('queued', 'running') ORDER BY runs.asked")

    def unended_runs(self) -> list[LiveRun]:
        """Those that wait, train or are paused, in the order they were asked for."""
        return self._runs("WHERE status IN ('queued', 'running', 'paused') ORDER BY runs.asked")

    def note(self, name: str) -> str:
        """What is noted under this name for the whole server; empty if nothing is."""
        with self.connect() as connection:
            row = connection.execute("SELECT text FROM notes WHERE name = ?", (name,)).fetchone()
        return row["text"] if row else ""

    def set_note(self, name: str, text: str) -> None:
        with self.connect() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, text))

    def records(self, run_id: str) -> list[EpochRecord]:
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT record FROM epochs WHERE run_id = ? ORDER BY epoch", (run_id,)
            ).fetchall()
        return [EpochRecord(**json.loads(row["record"])) for row in rows]

    def last_records(self, runs: list[LiveRun]) -> list[tuple[LiveRun, EpochRecord]]:
        """Each of these runs that has an epoch, with the record of its last one."""
        marks = ", ".join("?" * len(runs))
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT run_id, MAX(epoch), record FROM epochs "
                f"WHERE run_id IN ({marks}) GROUP BY run_id",
                [run.run_id for run in runs],
            ).fetchall()
        last = {row["run_id"]: EpochRecord(**json.loads(row["record"])) for row in rows}
        return [(run, last[run.run_id]) for run in runs if run.run_id in last]

    def speeds(self) -> dict[tuple[str, int], float]:
        """(model, batch size) to images per second, as far as measured on this machine."""
        with self.connect() as connection:
            rows = connection.execute("SELECT * FROM speeds").fetchall()
        return {(row["model"], row["batch_size"]): row["images_per_second"] for row in rows}

    # What the trainer tells

    def started(self, run_id: str, device: str) -> LiveRun:
        """A queued run begins; counts the attempt."""
        self._change(
            run_id,
            "status = 'running', attempts = attempts + 1, device = ?",
            ACTIVE,
            device,
            by=TRAINER,
        )
        return self.run(run_id)

    def put_back(self, run_id: str) -> None:
        """There was too little memory for it beside the others: that attempt does not count."""
        self._change(run_id, "attempts = attempts - 1", ACTIVE, by=TRAINER)

    def add_epoch(self, run_id: str, record: EpochRecord) -> None:
        """Keep a finished epoch; the same epoch told again replaces itself."""
        with self.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO epochs VALUES (?, ?, ?)",
                (run_id, record.epoch, json.dumps(asdict(record))),
            )
            connection.execute(
                "UPDATE runs SET attempts = 0, status = CASE "
                "WHEN status IN ('queued', 'running') AND pause_after <= ? THEN 'paused' "
                "WHEN status = 'queued' THEN 'running' ELSE status END "
                "WHERE run_id = ?",
                (record.epoch, run_id),
            )

    def finished(self, run_id: str) -> bool:
        """All epochs are there; False if the run was cancelled meanwhile."""
        return self._change(run_id, "status = 'finished'", (*ACTIVE, "paused"), by=TRAINER)

    def failed(self, run_id: str, message: str) -> None:
        self._change(run_id, "status = 'failed', message = ?", (*ACTIVE, "paused"), message, by=TRAINER)

    def measured_speed(self, config: RunConfig, device: str, images_per_second: float) -> None:
        with self.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO speeds VALUES (?, ?, ?, ?)",
                (config.model, config.batch_size, device, images_per_second),
            )

    # How

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        connection = None
        try:
            connection = sqlite3.connect(self.path, timeout=10)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                yield connection
        except sqlite3.Error as error:
            if type(error) is sqlite3.DatabaseError and self._is_open:  # damaged while in use
                self._is_open = False
                self._open()
                raise StoreError(f"{self.note('damaged')} Reload the page.") from None
            raise StoreError(f"The runs in {self.path} cannot be read or written ({error}).") from None
        finally:
            if connection:
                connection.close()

    def _set_aside_if_damaged(self) -> Path | None:
        """Rename a file that is no sound database; its new path, or None if nothing was wrong."""
        if not self.path.exists():
            return None
        try:
            with FileLock(self.path.with_suffix(".lock")):  # of two processes that find it, one does it
                connection = sqlite3.connect(self.path, timeout=10)
                try:
                    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                        return None
                except sqlite3.OperationalError:  # locked, unreadable: not damaged
                    return None
                except sqlite3.DatabaseError:
                    pass
                finally:
                    connection.close()
                stamp = time.strftime("%Y%m%d-%H%M%S")
                aside = self.path.with_name(f"{self.path.stem}.damaged-{stamp}{self.path.suffix}")
                for end in ("-wal", "-shm", ""):
                    part = self.path.with_name(self.path.name + end)
                    if part.exists():
                        part.rename(aside.with_name(aside.name + end))
                return aside
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written ({error.strerror}).") from None

    @staticmethod
    def _is_there(connection: sqlite3.Connection, run_id: str) -> bool:
        """Whether asking for the run takes nothing from anybody."""
        return bool(
            connection.execute(
                "SELECT 1 FROM runs WHERE run_id = ? AND status NOT IN ('cancelled', 'failed')",
                (run_id,),
            ).fetchone()
        )

    def _change(self, run_id: str, change: str, allowed: tuple[str, ...], *values, by: str) -> bool:
        """Change a run if its status is one of `allowed`; otherwise it is too late: False."""
        marks = ", ".join("?" * len(allowed))
        with self.connect() as connection:
            changed = connection.execute(
                f"UPDATE runs SET {change} WHERE run_id = ? AND status IN ({marks}) "
                "AND (owner = ? OR ?)",
                (*values, run_id, *allowed, by, by in (TEACHER, TRAINER)),
            )
        return changed.rowcount == 1

    def _runs(self, where: str, values: tuple = ()) -> list[LiveRun]:
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT runs.*, (SELECT COUNT(*) FROM epochs e WHERE e.run_id = runs.run_id) "
                f"AS epochs_done FROM runs {where}",
                values,
            ).fetchall()
        names = [spec.name for spec in fields(LiveRun)]
        return [
            LiveRun(**{**{n: row[n] for n in names}, "config": _config(row["config"])}) for row in rows
        ]


@lru_cache(maxsize=1024)
def _config(text: str) -> RunConfig:
    return RunConfig(**json.loads(text))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Give a new file its tables, and one of an earlier version what it lacks. Raises StoreError."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            f"{path} was written by a newer version of the lab: update this one, or move the file away."
        )
    if version == VERSION:
        return
    connection.executescript(SCHEMA)
    if "owner" not in {row["name"] for row in connection.execute("PRAGMA table_info(runs)")}:
        connection.execute("ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT ''")
    connection.execute(f"PRAGMA user_version = {VERSION}")
