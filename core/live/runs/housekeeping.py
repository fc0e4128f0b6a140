"""What is kept on the disk and for how long: the rule that lab.toml sets under [keep].

What nobody has asked for or opened in `days` days is forgotten, with its epochs. Where all
that is kept takes more than `megabytes`, what was looked at longest ago goes first:
checkpoints, without which a paused or cancelled run starts again from its first epoch, then
ended runs with the scores of their images. Runs that wait or train are never touched.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from core.live.runs.image_scores import scores_file
from core.live.runs.store import Store

MEGABYTE = 10**6
DAY = 24 * 3600
DAMAGED = ".damaged"  # of a checkpoint that was set aside
ORPHAN_SECONDS = 3600.0  # a checkpoint of no known run may belong to one that is just being made


@dataclass(frozen=True)
class Keep:
    days: int = 30  # runs that nobody looks at
    megabytes: int = 2_000  # live runs, their checkpoints and scores together


def checkpoint(folder: Path, run_id: str) -> Path:
    """Where the state of a live run lies."""
    return folder / f"{run_id}.safetensors"


def files_of(folder: Path, run_id: str) -> tuple[Path, Path]:
    """What lies there of a live run: its checkpoint, and the scores of its images."""
    return checkpoint(folder, run_id), scores_file(folder, run_id)


def used_bytes(store: Store, folder: Path) -> int:
    """What the live runs and their checkpoints in `folder` take. Raises StoreError."""
    return store.database.used_bytes() + sum(_sizes(folder).values())


def tidy(store: Store, folder: Path, keep: Keep) -> None:
    """Forget what the rule allows to be forgotten; folder: of the checkpoints. Raises StoreError."""
    now = time.time()
    for run_id in store.seen_before(now - keep.days * DAY):
        store.forget(run_id)
    idle = store.seen_before(now)  # those looked at longest ago first
    known = {path for run_id in store.run_ids() for path in files_of(folder, run_id)}
    for path in _sizes(folder):
        is_evidence = path.suffix == DAMAGED  # for whoever looks into the log
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
    """What cannot be deleted stays: no run is to wait for that."""
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
