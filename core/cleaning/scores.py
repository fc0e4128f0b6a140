"""The scores of a run's training images: when each was learned, and how sure the network is of it.

N = training images, H = held-out images, K = classes. Predictions are those at the end of each
epoch, in evaluation mode.
"""

import io
import zipfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import CheckpointError

NOT_LEARNED = 0
HALF_RANGE = (-6e4, 6e4)  # of half precision; scores of a run about to diverge can be outside
NOT_SCORED = -1  # the value for images that were not evaluated after every epoch


@dataclass(frozen=True)
class ImageScores:
    """The scores after `epochs` epochs.

    Images that were not evaluated after every epoch have NaN and NOT_SCORED.
    """

    epochs: int
    learned: NDArray[np.int16]  # (N,): epoch since which the given label is always predicted
    margin: NDArray[np.float32]  # (N,): area under the margin, see `add_epoch`
    prediction: NDArray[np.int16]  # (N,): the class predicted at the last epoch, or NOT_SCORED
    # The epoch with the smallest error on the held-out images, against the labels given;
    # 0 where nothing is held out. The other `best_` fields are from this epoch.
    best_epoch: int
    best_error: float
    best_loss: NDArray[np.float32]  # (N,): cross-entropy of the given label
    best_prediction: NDArray[np.int16]  # (N,): a class, or NOT_SCORED
    held_out: NDArray[np.int64]  # (H,): indices of the held-out images
    held_out_probability: NDArray[np.float32]  # (H, K)

    def add_epoch(
        self,
        scored: NDArray[np.int64],
        log_probabilities: NDArray[np.float32],
        labels: NDArray[np.int64],
        held_out_error: float | None,
        since: int = 0,
    ) -> "ImageScores":
        """Return the scores with one more epoch.

        scored: (M,), rising indices of the evaluated images, including the held-out ones;
        log_probabilities: (M, K), of these images. labels: (N,), given. held_out_error: against
        the labels given; None where nothing is held out. since: the margin is that of the epochs after
        this one.

        The margin is the logit of the given label minus the largest other one. Its mean over the
        epochs is the area under the margin of Pleiss et al. 2020, who average over predictions
        made during the epoch.
        """
        rows = np.arange(len(scored))
        given = labels[scored]
        own = log_probabilities[rows, given]
        others = log_probabilities.copy()
        others[rows, given] = -np.inf
        epochs, learned, margin = self.epochs + 1, self.learned.copy(), self.margin.copy()
        predictions = log_probabilities.argmax(axis=1)
        is_new = learned[scored] <= NOT_LEARNED
        first = np.where(is_new, epochs, learned[scored])
        learned[scored] = np.where(predictions == given, first, NOT_LEARNED)
        before = np.nan_to_num(margin[scored], nan=0.0)
        margin[scored] = before + (own - others.max(axis=1) - before) / (epochs - since)
        prediction = self.prediction.copy()
        prediction[scored] = predictions
        scores = replace(self, epochs=epochs, learned=learned, margin=margin, prediction=prediction)
        if held_out_error is None or (self.best_epoch and held_out_error >= self.best_error):
            return scores
        best_loss, best_prediction = self.best_loss.copy(), self.best_prediction.copy()
        best_loss[scored], best_prediction[scored] = -own, predictions
        positions = np.searchsorted(scored, self.held_out)
        return replace(
            scores,
            best_epoch=epochs,
            best_error=held_out_error,
            best_loss=best_loss,
            best_prediction=best_prediction,
            held_out_probability=np.exp(log_probabilities[positions]),
        )


def no_scores(images: int, held_out: NDArray[np.int64], classes: int) -> ImageScores:
    """Return the scores before the first epoch. images: N; held_out: (H,), indices; classes: K."""
    return ImageScores(
        epochs=0,
        learned=np.full(images, NOT_SCORED, dtype=np.int16),
        margin=np.full(images, np.nan, dtype=np.float32),
        prediction=np.full(images, NOT_SCORED, dtype=np.int16),
        best_epoch=0,
        best_error=float("nan"),
        best_loss=np.full(images, np.nan, dtype=np.float32),
        best_prediction=np.full(images, NOT_SCORED, dtype=np.int16),
        held_out=held_out,
        held_out_probability=np.full((len(held_out), classes), np.nan, dtype=np.float32),
    )


def to_arrays(scores: ImageScores) -> dict[str, np.ndarray]:
    """Return every field as an array, for `from_arrays`."""
    return {spec.name: np.asarray(getattr(scores, spec.name)) for spec in fields(ImageScores)}


def from_arrays(arrays: dict[str, np.ndarray]) -> ImageScores:
    """Rebuild scores from the result of `to_arrays`. Raises KeyError where a field is missing.

    Older versions did not keep `prediction`: it is NOT_SCORED for all images then.
    """
    unknown = np.full(arrays["learned"].shape, NOT_SCORED, dtype=np.int16)
    arrays = {"prediction": unknown, **arrays}
    values = {spec.name: arrays[spec.name] for spec in fields(ImageScores)}
    scalars = {name: value.item() for name, value in values.items() if value.ndim == 0}
    return ImageScores(**{**values, **scalars})


def to_bytes(scores: ImageScores) -> bytes:
    """Encode scores in NumPy's compressed format, with fractions in half precision (three digits)."""
    arrays = to_arrays(scores)
    short = {
        name: np.clip(array, *HALF_RANGE).astype(np.float16) if array.dtype == np.float32 else array
        for name, array in arrays.items()
    }
    content = io.BytesIO()
    np.savez_compressed(content, **short)  # type: ignore[arg-type]
    return content.getvalue()


def as_stored(scores: ImageScores) -> ImageScores:
    """Round scores as a file would, so that stored and fresh scores give the same ranking."""
    return read_scores(io.BytesIO(to_bytes(scores)))


def read_scores(source: Path | BinaryIO) -> ImageScores:
    """Read scores that `to_bytes` wrote, without pickle. Raises CheckpointError for a damaged file."""
    try:
        with np.load(source, allow_pickle=False) as arrays:
            return from_arrays(
                {
                    name: array.astype(np.float32) if array.dtype == np.float16 else array
                    for name, array in arrays.items()
                }
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{source} holds no scores, or is damaged ({error}).") from None
