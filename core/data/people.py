"""The labels that people gave CIFAR-10's training images, where somebody has the file of CIFAR-10N.

Wei et al. 2022, "Learning with Noisy Labels Revisited": three people named each image. The labels
may not be handed on for commercial use: the file stays where its owner keeps it, and is only read.
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

FILE = "CIFAR10N_FILE"  # names CIFAR-10_human.pt
COLUMNS = ("aggre_label", "random_label1", "worse_label")  # of the file
IMAGES, EMBEDDED_OF_CLASS = 50_000, 500  # the embedded images: the first of each class, in their order
# All that arrays of numbers are made of. A pickle can name any function, which would be called.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
}
# What a file that is no such file makes of its reader: pickle's documentation names most of them.
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
    """Whether the file is named on this machine."""
    return bool(os.environ.get(FILE))


def labels_by_people(column: str, true_labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """What people called each of these images, (N,); column: one of COLUMNS.

    true_labels: of the embedded training images or of all, (N,). Raises DataError where the file is
    missing, is not CIFAR-10N's, or belongs to other images.
    """
    path = os.environ.get(FILE, "")
    if not path:
        raise DataError(
            f"Labels by people need the file of CIFAR-10N: let {FILE} name CIFAR-10_human.pt, or choose another noise."
        )
    told = _read(Path(path))
    true, given = told["clean_label"], told[column]
    if len(true_labels) < IMAGES:
        firsts = [np.flatnonzero(true == name)[:EMBEDDED_OF_CLASS] for name in range(CLASS_COUNT)]
        embedded = np.sort(np.concatenate(firsts))
        true, given = true[embedded], given[embedded]
    if not np.array_equal(true, true_labels):
        raise DataError(f"{path} tells of other images than CIFAR-10's: fetch CIFAR-10N's file anew.")
    return given


@cache
def _read(path: Path) -> dict[str, NDArray[np.int64]]:
    """Its arrays, int64 (50,000,), by name; not to be changed. Raises DataError."""
    try:
        told = _unpickled(path)
        arrays = {name: np.array(told[name]) for name in ("clean_label", *COLUMNS)}
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path} cannot be read ({reason}): let {FILE} name CIFAR-10N's file CIFAR-10_human.pt."
        ) from None
    for name, array in arrays.items():
        is_sound = array.shape == (IMAGES,) and array.dtype.kind in "iu"
        if not is_sound or array.min() < 0 or array.max() >= CLASS_COUNT:
            raise DataError(f"{path} has no {IMAGES:,} labels as {name}: fetch CIFAR-10N's file anew.")
        arrays[name] = array.astype(np.int64)
        arrays[name].setflags(write=False)
    return arrays


def _unpickled(path: Path) -> Any:
    """The object that torch.save wrote: in a zip archive, or, in its older way, after three others."""
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
