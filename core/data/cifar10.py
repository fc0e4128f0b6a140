"""CIFAR-10 as uint8 arrays: the embedded images, all 60,000 images, and their checksums.

N = images, C = 3 channels, H = W = 32 pixels. Images are uint8 of shape (N, C, H, W),
labels uint8 of shape (N,) in [0, 10), both in the order of the official data set
(A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009).
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import DataError, ImageStorageError
from core.paths import ASSETS, data_folder

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
TRAIN_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
BATCHES = (*TRAIN_BATCHES, "test_batch")
BATCH_SIZE = 10_000  # images in each official batch
FULL_SHAPES = {
    "train_images": (50_000, 3, 32, 32),
    "train_labels": (50_000,),
    "test_images": (10_000, 3, 32, 32),
    "test_labels": (10_000,),
}


@dataclass(frozen=True, eq=False)
class Cifar10:
    """The training and test sets, with true labels. Corruption works on copies of them.

    Two objects are equal only if they are the same object.
    """

    train_images: np.ndarray  # uint8, (N, 3, 32, 32)
    train_labels: np.ndarray  # uint8, (N,)
    test_images: np.ndarray
    test_labels: np.ndarray


def load(name: str) -> Cifar10:
    """Return the data set named by RunConfig.data, "embedded" or "full". Raises DataError."""
    return load_embedded() if name == "embedded" else load_full()


@cache
def load_embedded() -> Cifar10:
    """Return 5,000 training and 1,000 test images from assets/: the first of each class, in order."""
    labels = json.loads((ASSETS / "cifar10" / "embedded.json").read_text(encoding="utf-8"))
    arrays = {}
    for part in ("train", "test"):
        with Image.open(ASSETS / "cifar10" / f"embedded-{part}.webp") as sheet:
            arrays[f"{part}_images"] = unpack_sheet(np.asarray(sheet.convert("RGB")))
        arrays[f"{part}_labels"] = np.array(labels[f"{part}_labels"], dtype=np.uint8)
    return Cifar10(**arrays)


def unpack_sheet(sheet: np.ndarray) -> np.ndarray:
    """Cut a sheet of 32-pixel tiles, uint8 (rows * 32, columns * 32, 3), into images (N, 3, 32, 32)."""
    rows, columns = sheet.shape[0] // 32, sheet.shape[1] // 32
    tiles = sheet.reshape(rows, 32, columns, 32, 3).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(tiles.reshape(rows * columns, 3, 32, 32))


def full_folder() -> Path:
    """The folder of all 60,000 images."""
    return data_folder() / "cifar10"


def has_full() -> bool:
    """Whether all 60,000 images are on this machine."""
    return all((full_folder() / f"{name}.npy").is_file() for name in FULL_SHAPES)


def load_full() -> Cifar10:
    """Return all 60,000 images, memory-mapped. Raises DataError where they are missing or damaged."""
    arrays = {}
    for name, shape in FULL_SHAPES.items():
        path = full_folder() / f"{name}.npy"
        try:
            arrays[name] = np.load(path, mmap_mode="r")
        except FileNotFoundError:
            raise DataError(
                "The full data set is not on this machine yet: fetch it with `make data`."
            ) from None
        except (ValueError, OSError, EOFError):
            arrays[name] = None
        if arrays[name] is None or arrays[name].shape != shape or arrays[name].dtype != np.uint8:
            raise DataError(f"{path} is damaged: fetch the images again with `make data`.")
    return Cifar10(**arrays)


def save_full(batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Check every batch, then save all of them as arrays that `load_full` opens. Raises DataError.

    batches: for each name in BATCHES, images uint8 (10000, 3, 32, 32) and labels (10000,).
    The arrays are written to a folder next to the final one, which is renamed at the end, so that
    the final folder is always complete.
    """
    for name in BATCHES:
        check_batch(name, *batches[name])
    train = [batches[name] for name in TRAIN_BATCHES]
    arrays = {
        "train_images": np.concatenate([images for images, _ in train]),
        "train_labels": np.concatenate([labels for _, labels in train]).astype(np.uint8),
        "test_images": batches["test_batch"][0],
        "test_labels": batches["test_batch"][1].astype(np.uint8),
    }
    final, part = full_folder(), None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix="cifar10-", suffix=".part", dir=final.parent))
        for name, array in arrays.items():
            with open(part / f"{name}.npy", "wb") as file:
                np.save(file, np.ascontiguousarray(array))
                file.flush()
                os.fsync(file.fileno())  # so that a full disk is noticed before the rename
        if final.exists():
            shutil.rmtree(final)
        part.rename(final)
    except OSError as error:
        raise ImageStorageError(
            f"The images cannot be stored in {final} ({error.strerror or error}): "
            "make room there (200 MB) or allow writing, then try again."
        ) from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def check_batch(name: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Compare one official batch with its SHA-256 sum. Raises DataError."""
    if batch_sha256(images, labels) != reference()["sha256_of_binary_batches"][name]:
        raise DataError(
            f"{name} is not the CIFAR-10 batch of that name (its SHA-256 sum differs): "
            "the file is damaged or altered; delete it and fetch it again."
        )


def batch_sha256(images: np.ndarray, labels: np.ndarray) -> str:
    """The SHA-256 sum of a batch in the binary format: per image a label byte, then C, H, W."""
    records = np.empty((len(images), 1 + 3072), dtype=np.uint8)
    records[:, 0] = labels
    records[:, 1:] = images.reshape(len(images), 3072)
    return hashlib.sha256(records.tobytes()).hexdigest()


@cache
def reference() -> dict:
    """The checksums, channel means and names of the sources, from assets/."""
    return json.loads((ASSETS / "cifar10" / "reference.json").read_text(encoding="utf-8"))
