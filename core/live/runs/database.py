"""The SQLite file that the pages and the trainer share: opening, repairing, connecting.

The file uses write-ahead logging: pages read while the trainer writes, and committed data
survives a kill of either. Any process may have to create the file, so the schema includes all
tables, even those that only rooms use.
"""

import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from core.errors import StoreError
from core.paths import file_identity

MOST_IDLE = 16  # idle connections kept for reuse
USED_SECONDS = 1.0  # after opening, a connection is reused for this long
VERSION = 7  # schema version, in PRAGMA user_version; 0: files older than that

# `asked` is in seconds since 1970 and always increases, even if the clock is set back.
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    config TEXT NOT NULL,            -- JSON, what differs from the defaults
    status TEXT NOT NULL,
    pause_after INTEGER,             -- the epoch after which to pause; NULL: never
    attempts INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '',
    device TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',  -- the visitor whose time it uses
    address TEXT NOT NULL DEFAULT '', -- the owner's network address; empty: this machine
    asked REAL NOT NULL,
    seen REAL NOT NULL DEFAULT 0,    -- when its page was last opened, to the hour
    epochs_done INTEGER NOT NULL DEFAULT 0,  -- the last one in `epochs`: counting them is slow
    images_done INTEGER NOT NULL DEFAULT 0,  -- in the current epoch
    running_loss REAL,               -- over these images
    curve TEXT NOT NULL DEFAULT ''   -- an id shared by runs that count as one
);
CREATE TABLE IF NOT EXISTS epochs (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    record TEXT NOT NULL,            -- JSON of the EpochRecord
    PRIMARY KEY (run_id, epoch)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS visits (  -- which visitor has submitted which run
    visitor TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    asked REAL NOT NULL,
    PRIMARY KEY (visitor, run_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS speeds (  -- measured on this machine
    model TEXT NOT NULL,
    batch_size INTEGER NOT NULL,
    device TEXT NOT NULL,
    images_per_second REAL NOT NULL, -- over whole epochs, evaluation included
    PRIMARY KEY (model, batch_size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (   -- the fields of ServerState
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rooms (
    code TEXT PRIMARY KEY,
    lesson TEXT NOT NULL,            -- JSON
    opened REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (  -- which visitor has entered which room
    room TEXT NOT NULL,
    visitor TEXT NOT NULL,
    PRIMARY KEY (room, visitor)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guesses (
    room TEXT NOT NULL,              -- empty: outside any room
    guess TEXT NOT NULL,             -- JSON: test errors, training errors
    made REAL NOT NULL,
    visitor TEXT NOT NULL DEFAULT '' -- who made it; no page shows this
);
CREATE TABLE IF NOT EXISTS stops (    -- when a visitor would have stopped a training
    room TEXT NOT NULL,              -- empty: outside any room
    visitor TEXT NOT NULL,
    run_id TEXT NOT NULL,            -- of the sweep
    epoch INTEGER NOT NULL,
    PRIMARY KEY (room, run_id, visitor)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS annotations (  -- which label a visitor gave a photograph
    room TEXT NOT NULL,              -- empty: outside any room
    visitor TEXT NOT NULL,
    image INTEGER NOT NULL,          -- index among the embedded training images
    label INTEGER,                   -- NULL: time ran out
    is_timed INTEGER NOT NULL,
    PRIMARY KEY (room, visitor, image)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shared_curves (  -- what a room trains together
    room TEXT PRIMARY KEY,
    config TEXT NOT NULL,            -- JSON of the run at level 1
    is_open INTEGER NOT NULL DEFAULT 1  -- whether places are given out
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shares (   -- which visitor has taken which place of it
    room TEXT NOT NULL,
    place INTEGER NOT NULL,          -- sets level and seed
    visitor TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (room, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS teachers ( -- who has opened the teacher's page
    visitor TEXT PRIMARY KEY,        -- the key stored in their browser
    until REAL NOT NULL              -- seconds since 1970
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wrong_passwords (
    tried REAL NOT NULL,             -- seconds since 1970
    visitor TEXT NOT NULL,
    address TEXT NOT NULL            -- the visitor's network address; empty: this machine
);
CREATE TABLE IF NOT EXISTS looks (   -- when a visitor last polled a live run, to half a minute
    visitor TEXT PRIMARY KEY,
    looked REAL NOT NULL             -- seconds since 1970
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_status ON runs (status);
CREATE INDEX IF NOT EXISTS guesses_by_room ON guesses (room, visitor);
"""

ADDED = {  # columns missing from earlier versions, by table
    "runs": {
        "owner": "TEXT NOT NULL DEFAULT ''",
        "address": "TEXT NOT NULL DEFAULT ''",
        "seen": "REAL NOT NULL DEFAULT 0",
        "epochs_done": "INTEGER NOT NULL DEFAULT 0",
        "images_done": "INTEGER NOT NULL DEFAULT 0",
        "running_loss": "REAL",
        "curve": "TEXT NOT NULL DEFAULT ''",
    },
    "guesses": {"visitor": "TEXT NOT NULL DEFAULT ''"},
    "shared_curves": {"is_open": "INTEGER NOT NULL DEFAULT 1"},
}


@dataclass(frozen=True)
class ServerState:
    """State of the whole server."""

    is_paused: bool = False  # paused by the teacher: no epoch is started
    in_training: tuple[str, ...] = ()  # run ids: one, or several side by side
    damage: str = ""  # one sentence that describes it, until the teacher dismisses it


class _Connections:
    """A pool of connections to one file. Each is reused for one second after it was opened.

    Opening a connection takes as long as ten queries. An older connection is not reused: it answers
    from its own cache and would not notice that the file has been damaged.
    """

    def __init__(self, path: Path, patience: float):
        self.patience = patience
        self.address = f"{path.absolute().as_uri()}?mode=rw"  # does not create a deleted file
        self.idle: deque[tuple[float, sqlite3.Connection]] = deque()  # (time of opening, connection)
        self.held: sqlite3.Connection | None = None
        self.is_open = True

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction on a connection that no other thread uses meanwhile. Raises sqlite3.Error."""
        opened, connection = self._take()
        is_sound = True
        try:
            with connection:
                yield connection
        except sqlite3.Error:
            is_sound = False
            raise
        finally:
            self._give_back(opened, connection, is_sound)

    def _take(self) -> tuple[float, sqlite3.Connection]:
        now = time.monotonic()
        with suppress(IndexError):
            while True:
                opened, connection = self.idle.pop()
                if now - opened < USED_SECONDS:
                    return opened, connection
                connection.close()
        return now, self._new()

    def _give_back(self, opened: float, connection: sqlite3.Connection, is_sound: bool) -> None:
        if is_sound and len(self.idle) < MOST_IDLE and not connection.in_transaction:
            self.idle.append((opened, connection))
        else:
            connection.close()
        if not self.is_open:
            self.close()

    def hold(self) -> None:
        """Keep one idle connection open. Raises sqlite3.Error.

        When the last connection closes, SQLite moves the whole log into the file and flushes it.
        Every write would then take 16 ms instead of 0.5 ms and lock out all others meanwhile.
        """
        self.held = self._new()
        self.held.execute("SELECT 1 FROM notes").fetchall()  # opens the log

    def close(self) -> None:
        """Close all idle connections; the others close when they are given back."""
        self.is_open = False
        with suppress(IndexError):
            while True:
                self.idle.pop()[1].close()
        if self.held is not None:
            self.held.close()

    def _new(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.address, timeout=self.patience, check_same_thread=False, uri=True
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


class Database:
    """One file, opened once per process; every connection is a transaction. Raises StoreError."""

    def __init__(self, path: Path, patience: float = 2.0):
        """patience: seconds to wait for a file that another program has locked."""
        self.path, self.patience = path, patience
        self._file: tuple[int, int] | None = None  # file_identity of the open file, if any
        self._connections = _Connections(path, patience)
        self._let_go: Callable[[], object] = self._connections.close
        self._opening = threading.Lock()
        self._open(self._connections, is_first=True)

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction. A file that was deleted or replaced is reopened first.

        If the file turns out to be damaged, it is set aside, a new one is created, and StoreError
        is raised.
        """
        connections = self._connections
        if self._is_another_file():
            self._open(connections)
            connections = self._connections
        try:
            with connections.connect() as connection:
                yield connection
        except sqlite3.Error as error:  # the file can be damaged or deleted while it is in use
            is_damaged = type(error) is sqlite3.DatabaseError
            if not is_damaged and connections is self._connections and not self._is_another_file():
                raise StoreError(self._sentence(error)) from None
            self._open(connections)
            damage = self.state().damage
            sentence = f"{damage} Reload the page." if damage else self._sentence(error)
            raise StoreError(sentence) from None

    def _is_another_file(self) -> bool:
        """Whether the open file was deleted or replaced, or no file is open."""
        return self._file is None or file_identity(self.path) != self._file

    def state(self) -> ServerState:
        """Return the state of the whole server."""
        with self.connect() as connection:
            texts = dict(connection.execute("SELECT name, text FROM notes").fetchall())
        return ServerState(
            is_paused=bool(texts.get("paused")),
            in_training=tuple(texts.get("training", "").split()),
            damage=texts.get("damaged", ""),
        )

    def set_paused(self, is_paused: bool) -> None:
        """Save whether the teacher has paused all training."""
        self._write_state("paused", "yes" if is_paused else "")

    def set_in_training(self, run_ids: list[str]) -> None:
        """Save which runs are in training right now."""
        self._write_state("training", " ".join(run_ids))

    def used_bytes(self) -> int:
        """Return the bytes in use, without the space of deleted rows, which SQLite reuses."""
        with self.connect() as connection:
            used, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((used - free) * size)

    def dismiss_damage(self) -> None:
        """Clear the sentence about damage that the pages show."""
        self._write_state("damaged", "")

    def _write_state(self, name: str, text: str) -> None:
        with self.connect() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, text))

    def _sentence(self, error: sqlite3.Error) -> str:
        if "locked" in str(error):
            return (
                f"The runs in {self.path} have been locked for {self.patience:g} s: try again. If this "
                "happens often, that folder is probably on a network drive: set LAB_DATA to a folder on "
                "a disk of the server itself."
            )
        return (
            f"The runs in {self.path} cannot be read or written ({error}): make {self.path.parent} a folder "
            "on a disk of the server itself that the lab may write to."
        )

    def _open(self, instead_of: _Connections, is_first: bool = False) -> None:
        """Make the file ready for use. A damaged file is set aside and a new one created.

        instead_of: the connections to replace. If several threads call this, only one opens the file.
        """
        with self._opening:
            if self._connections is instead_of:
                self._open_now(was_open=not is_first)

    def _open_now(self, was_open: bool) -> None:
        self._file = None
        self._let_go()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_there = self.path.exists()
            for end in (
                () if is_there else ("-wal", "-shm")
            ):  # left over from a deleted file: useless for another
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)
            aside = _set_aside_if_damaged(self.path)
            self.path.touch()
        except OSError as error:
            raise StoreError(
                f"{self.path.parent} cannot be written ({error.strerror}): set LAB_DATA to another folder."
            ) from None
        happened = f"was damaged. It is kept as {aside.name}" if aside else "has been deleted"
        connections = _Connections(self.path, self.patience)
        try:
            with connections.connect() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                _migrate(connection, self.path)
                connections.hold()
                if aside or (was_open and not is_there):
                    connection.execute(
                        "INSERT OR REPLACE INTO notes VALUES ('damaged', ?)",
                        (
                            f"The file of the runs {happened}, and a new one has been created. It does not "
                            "contain the earlier runs.",
                        ),
                    )
        except sqlite3.Error as error:
            raise StoreError(self._sentence(error)) from None
        self._let_go = weakref.finalize(self, connections.close)
        self._connections, self._file = connections, file_identity(self.path)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables of a new file, or update a file of an earlier version. Raises StoreError."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            f"{path} was written by a newer version of the lab: update this one, or move the file away."
        )
    if version == VERSION:
        return
    for table, columns in ADDED.items():
        there = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        for name, column in columns.items() if there else ():
            if name not in there:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {column}")
    connection.executescript(SCHEMA)
    connection.execute(
        "UPDATE runs SET epochs_done = "
        "(SELECT COALESCE(MAX(epoch), 0) FROM epochs WHERE epochs.run_id = runs.run_id)"
    )
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _set_aside_if_damaged(path: Path) -> Path | None:
    """Rename a damaged database and return its new path, or None if the file is sound or missing.

    Raises OSError.
    """
    if not path.exists():
        return None
    with FileLock(path.with_suffix(".lock")):  # two processes may find the damage: only one renames
        if _is_sound(path):
            return None
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
        for end in ("-wal", "-shm", ""):
            part = path.with_name(path.name + end)
            if part.exists():
                part.rename(aside.with_name(aside.name + end))
        return aside


def _is_sound(path: Path) -> bool:
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=10)
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError:  # locked or unreadable, but not damaged
        return True
    except sqlite3.DatabaseError:
        return False
    finally:
        if connection is not None:
            connection.close()
