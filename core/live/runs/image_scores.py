"""Image scores of live runs: one file per run next to its checkpoint, rewritten at every epoch."""

from pathlib import Path

from core.cleaning.scores import ImageScores, read_scores, to_bytes
from core.errors import CheckpointError, StorageError
from core.paths import replacing


def scores_file(folder: Path, run_id: str) -> Path:
    """Return the path of a run's image scores. folder: the folder of the checkpoints."""
    return folder / f"{run_id}.npz"


def put_scores(folder: Path, run_id: str, scores: ImageScores) -> None:
    """Replace the image scores of a run, atomically. Raises StorageError (a full disk)."""
    path = scores_file(folder, run_id)
    try:
        with replacing(path) as part:
            part.write_bytes(to_bytes(scores))
    except OSError as error:
        raise StorageError(path, error) from None


def find_scores(folder: Path, run_id: str) -> ImageScores | None:
    """Return the image scores of a run, live or stored, or None. Raises SweepError."""
    path = scores_file(folder, run_id)
    if path.exists():
        try:
            return read_scores(path)
        except CheckpointError:  # truncated by a power cut: fall back to the stored scores
            pass
    # Imported late: pandas is slow to load, and most trainers do not need it.
    from core.sweep.results import load_scores

    return load_scores(run_id)
