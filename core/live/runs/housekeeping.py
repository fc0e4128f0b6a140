"""Which runs stay on the disk and for how long: the rule that lab.toml sets under [keep].

A run that nobody has submitted or opened for `days` days is deleted with its epochs. When the
runs take more than `megabytes`, the least recently used are deleted first: first checkpoints
(a paused or cancelled run without one starts again from its first epoch), then ended runs with
their image scores. Queued and running runs are never touched.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from core.live.runs.image_scores import scores_file
from core.live.runs.store import Store

MEGABYTE = 10**6
DAY = 24 * 3600
DAMAGED = ".damaged"  # suffix of a checkpoint that was set aside
ORPHAN_SECONDS = 3600.0  # a younger checkpoint without a known run may be of one just being created


@dataclass(frozen=True)
class Keep:
    """The two numbers under [keep] in lab.toml."""

    days: int = 30  # for runs that nobody opens
    megabytes: int = 2_000  # for live runs, their checkpoints and scores together


def checkpoint(folder: Path, run_id: str) -> Path:
    """Return the path of a live run's checkpoint. folder: the folder of the checkpoints."""
    return folder / f"{run_id}.safetensors"


def files_of(folder: Path, run_id: str) -> tuple[Path, Path]:
    """Return the paths of a live run's checkpoint and image scores in `folder`."""
    return checkpoint(folder, run_id), scores_file(folder, run_id)


def used_bytes(store: Store, folder: Path) -> int:
    """Return the size in bytes of the live runs and of the files in `folder`. Raises StoreError."""
    return store.database.used_bytes() + sum(_sizes(folder).values())


def tidy(store: Store, folder: Path, keep: Keep) -> None:
    """Delete runs and files by the rule of this module. Raises StoreError.

    folder: the folder of the checkpoints.
    """
    now = time.time()
    for run_id in store.seen_before(now - keep.days * DAY):
        store.forget(run_id)
    idle = store.seen_before(now)  # least recently used first
    known = {path for run_id in store.run_ids() for path in files_of(folder, run_id)}
    for path in _sizes(folder):
        is_evidence = path.suffix == DAMAGED  # the log names this file
        if path not in known and _age(path) > (keep.days * DAY if is_evidence else ORPHAN_SECONDS):
            _delete(path)
    excess = used_bytes(store, folder) - keep.megabytes * MEGABYTE
    sizes = _sizes(folder)
    for path in (checkpoint(folder, run_id) for run_id in idle):
        if excess <= 0:
            return
        if path in sizes:
            _delete(path)
            excess -= sizes[path]
    for run_id in idle:
        if used_bytes(store, folder) <= keep.megabytes * MEGABYTE:
            return
        if store.has_ended(run_id):
            store.forget(run_id)
            _delete(scores_file(folder, run_id))


def _delete(path: Path) -> None:
    """Delete the file. If that fails, log a warning and leave it: no run waits for that."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logging.warning("%s cannot be deleted (%s).", path, error.strerror)


def _sizes(folder: Path) -> dict[Path, int]:
    sizes = {}
    for path in folder.glob("*"):
        try:
            sizes[path] = path.stat().st_size if path.is_file() else 0
        except OSError:  # finished and deleted meanwhile
            continue
    return {path: size for path, size in sizes.items() if size}


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
