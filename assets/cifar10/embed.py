"""Make the embedded images from the full data set: python assets/cifar10/embed.py

The first 500 training and the first 100 test images of each class, in the order of the data
set, as lossless WebP sheets of 50 tiles a row. Wants all 60,000 images (`make data`).
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from core.data.cifar10 import CLASSES, load_full  # noqa: E402

IMAGES_PER_CLASS = {"train": 500, "test": 100}
COLUMNS = 50


def pack_sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (N, 3, 32, 32) as tiles of a sheet, uint8 (rows * 32, columns * 32, 3); whole rows."""
    rows = len(images) // columns
    tiles = images.reshape(rows, columns, 3, 32, 32).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(tiles.reshape(rows * 32, columns * 32, 3))


def main(folder: Path = FOLDER) -> None:
    """folder: where the three files go."""
    data = load_full()
    about: dict[str, object] = {
        "about": "true labels of the embedded images, and their places in the official data set"
    }
    for part, count in IMAGES_PER_CLASS.items():
        images, labels = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")
        of_each = [np.flatnonzero(labels == label)[:count] for label in range(len(CLASSES))]
        indices = np.sort(np.concatenate(of_each))
        sheet = Image.fromarray(pack_sheet(images[indices], COLUMNS))
        sheet.save(folder / f"embedded-{part}.webp", lossless=True, quality=100, method=6, exact=True)
        about |= {f"{part}_labels": labels[indices].tolist(), f"{part}_indices": indices.tolist()}
    (folder / "embedded.json").write_text(json.dumps(about), encoding="utf-8")


if __name__ == "__main__":
    main()
