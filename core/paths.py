"""Where the files are. Nothing else reads LAB_DATA and LAB_CONFIG.

ROOT and ASSETS are part of the code; the data folder and the settings file are the
server's own, and are looked up at each call.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"


APP = ROOT / "app.py"  # not there where only the library is installed


def data_folder() -> Path:
    """All that this server stores: the whole of CIFAR-10, the live runs, their checkpoints.

    LAB_DATA; by default `data` in the project, or a folder in the user's home for the library.
    """
    usual = ROOT / "data" if APP.exists() else Path.home() / ".label-corruption-lab"
    return Path(os.environ.get("LAB_DATA", usual))


def put_in_place(part: Path, path: Path) -> None:
    """Rename a finished file to what it is to be; after a power cut it is there whole, or not at all.

    Renamed without having been flushed, it may come back empty. Raises OSError.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    if hasattr(os, "O_DIRECTORY"):  # not on Windows, which keeps renames by itself
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Of the file that has this name now, which another one put in its place has not; None: no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def settings_file() -> Path:
    return Path(os.environ.get("LAB_CONFIG", ROOT / "lab.toml"))
