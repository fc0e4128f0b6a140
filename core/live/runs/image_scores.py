"""What live runs tell of their images: a file for each beside the checkpoints, new at every epoch."""

from pathlib import Path

from core.cleaning.scores import ImageScores, read_scores, to_bytes
from core.errors import CheckpointError, StorageError
from core.paths import replacing


def scores_file(folder: Path, run_id: str) -> Path:
    """folder: of the checkpoints."""
    return folder / f"{run_id}.npz"


def put_scores(folder: Path, run_id: str, scores: ImageScores) -> None:
    """Replace those of a run, whole or not at all. Raises StorageError (a full disk)."""
    path = scores_file(folder, run_id)
    try:
        with replacing(path) as part:
            part.write_bytes(to_bytes(scores))
    except OSError as error:
        raise StorageError(path, error) from None


def find_scores(folder: Path, run_id: str) -> ImageScores | None:
    """Those of a run, live or stored; None where there are none. Raises SweepError."""
    path = scores_file(folder, run_id)
    if path.exists():
        try:
            return read_scores(path)
        except CheckpointError:  # cut off with the power: those that are stored are as good
            pass
    from core.sweep.results import load_scores  # pandas: not for a trainer that repairs nothing

    return load_scores(run_id)
