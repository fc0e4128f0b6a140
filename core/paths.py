"""Paths of files and folders. No other module reads LAB_DATA and LAB_CONFIG.

ROOT and ASSETS are part of the code. The data folder and the settings file belong to the
server, and are looked up at each call.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a new file next to `path` to write to, and rename it to `path` when the body ends.

    Where the body fails, `path` stays as it was and the new file is deleted. After a power cut the
    file at `path` is complete or absent: a file renamed without a flush can come back empty.
    Makes the folder if it is missing. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.chmod(part, 0o644)
        os.replace(part, path)
        _flush_folder(path.parent)
    finally:
        with suppress(OSError):  # whatever is wrong with the path has been raised above
            part.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):  # missing on Windows, where a rename needs no flush of the folder
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
