"""Paths of files and folders. No other module reads LAB_DATA and LAB_CONFIG.

ROOT and ASSETS are part of the code. The data folder and the settings file belong to the
server, and are looked up at each call.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
APP = ROOT / "app.py"  # missing where only the library is installed


def data_folder() -> Path:
    """The folder of all that this server stores: full CIFAR-10, the live runs, their checkpoints.

    LAB_DATA names it. The default is `data` in the project, or a folder in the user's home where
    only the library is installed.
    """
    usual = ROOT / "data" if APP.exists() else Path.home() / ".label-corruption-lab"
    return Path(os.environ.get("LAB_DATA", usual))


def put_in_place(part: Path, path: Path) -> None:
    """Flush the finished file `part` to disk and rename it to `path`. Raises OSError.

    After a power cut the file at `path` is complete or absent. A file renamed without a flush can
    come back empty.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    if hasattr(os, "O_DIRECTORY"):  # missing on Windows, where a rename needs no flush of the folder
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def file_identity(path: Path) -> tuple[int, int] | None:
    """(device, inode) of the file at `path`, or None. A replaced file has another pair."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def settings_file() -> Path:
    """The path of the settings file: LAB_CONFIG, or `lab.toml` in the project."""
    return Path(os.environ.get("LAB_CONFIG", ROOT / "lab.toml"))
