"""Image scores of live runs: one file per run next to its checkpoint, rewritten at every epoch."""

from contextlib import suppress
from pathlib import Path

from core.cleaning.scores import ImageScores, read_scores, to_bytes
from core.errors import CheckpointError, StorageError


def scores_file(folder: Path, run_id: str) -> Path:
    """Return the path of a run's image scores. folder: the folder of the checkpoints."""
    return folder / f"{run_id}.npz"


def put_scores(folder: Path, run_id: str, scores: ImageScores) -> None:
    """Replace the image scores of a run, atomically. Raises StorageError (a full disk)."""
    path = scores_file(folder, run_id)
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(to_bytes(scores))
        part.replace(path)  # without fsync: after a power cut the epoch is trained again
    except OSError as error:
        raise StorageError(path, error) from None
    finally:
        with suppress(OSError):  # for example, the folder is a file: StorageError reports that
            part.unlink(missing_ok=True)


def find_scores(folder: Path, run_id: str) -> ImageScores | None:
    """Return the image scores of a run, live or stored, or None. Raises SweepError."""
    path = scores_file(folder, run_id)
    if path.exists():
        try:
            return read_scores(path)
        except CheckpointError:  # truncated by a power cut: fall back to the stored scores
            pass
    from core.sweep.results import (
        load_scores,  # imported late: pandas is slow to load, and most trainers do not need it
    )

    return load_scores(run_id)
