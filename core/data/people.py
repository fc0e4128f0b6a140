"""Human labels of CIFAR-10's training images, from the file of CIFAR-10N if there is one.

Wei et al. 2022, "Learning with Noisy Labels Revisited": three people labeled each image. The
license forbids commercial redistribution, so this module only reads the file and copies it nowhere.
"""

import io
import os
import pickle
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import CLASS_COUNT
from core.errors import DataError

FILE = "CIFAR10N_FILE"  # the environment variable with the path of CIFAR-10_human.pt
COLUMNS = ("aggre_label", "random_label1", "worse_label")  # in the file
IMAGES, EMBEDDED_OF_CLASS = 50_000, 500  # the embedded images are the first of each class, in order
# All names that a pickled array of numbers needs. A pickle can call any function that it names.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
}
# Exceptions that reading a malformed file can raise; pickle's documentation lists most of them.
BROKEN = (
    *(OSError, EOFError, pickle.PickleError, zipfile.BadZipFile),
    *(AttributeError, ImportError, LookupError, TypeError, ValueError),
)


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def has_people() -> bool:
    """Whether the environment variable of CIFAR-10N's file is set."""
    return bool(os.environ.get(FILE))


def labels_by_people(column: str, true_labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the human label of each image, (N,). column: one of COLUMNS.

    true_labels: of the embedded or of all training images, (N,). Raises DataError where the file
    is missing, is not CIFAR-10N's, or belongs to other images.
    """
    path = os.environ.get(FILE, "")
    if not path:
        raise DataError(
            f"Human labels need the file of CIFAR-10N: set {FILE} to the path of CIFAR-10_human.pt, or "
            "choose another noise."
        )
    arrays = _read(Path(path))
    true, given = arrays["clean_label"], arrays[column]
    if len(true_labels) < IMAGES:
        firsts = [np.flatnonzero(true == name)[:EMBEDDED_OF_CLASS] for name in range(CLASS_COUNT)]
        embedded = np.sort(np.concatenate(firsts))
        true, given = true[embedded], given[embedded]
    if not np.array_equal(true, true_labels):
        raise DataError(f"{path} labels other images than CIFAR-10's: download CIFAR-10N's file again.")
    return given


@cache
def _read(path: Path) -> dict[str, NDArray[np.int64]]:
    """Read the arrays of CIFAR-10N's file, int64 (50,000,), by name, read-only. Raises DataError."""
    try:
        content = _unpickled(path)
        arrays = {name: np.array(content[name]) for name in ("clean_label", *COLUMNS)}
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path} cannot be read ({reason}): set {FILE} to the path of CIFAR-10_human.pt."
        ) from None
    for name, array in arrays.items():
        is_sound = array.shape == (IMAGES,) and array.dtype.kind in "iu"
        if not is_sound or array.min() < 0 or array.max() >= CLASS_COUNT:
            raise DataError(
                f"{path} does not have {IMAGES:,} labels in {name}: download CIFAR-10N's file again."
            )
        arrays[name] = array.astype(np.int64)
        arrays[name].setflags(write=False)
    return arrays


def _unpickled(path: Path) -> Any:
    """Load the object that torch.save wrote.

    It is in a zip archive or, in torch's older format, comes after three other objects.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            first = _ArraysOnly(file).load()
            if not isinstance(first, int):
                return first
            return [_ArraysOnly(file).load() for _ in range(3)][-1]
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if not names:
            raise pickle.UnpicklingError("there is no data.pkl in it")
        return _ArraysOnly(io.BytesIO(archive.read(names[0]))).load()
