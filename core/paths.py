"""Where the files are. Nothing else reads LAB_DATA and LAB_CONFIG.

ROOT and ASSETS are part of the code; the data folder and the settings file are the
server's own, and are looked up at each call.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"


def data_folder() -> Path:
    """All that this server keeps: the whole of CIFAR-10, the live runs, their checkpoints."""
    return Path(os.environ.get("LAB_DATA", ROOT / "data"))


def settings_file() -> Path:
    return Path(os.environ.get("LAB_CONFIG", ROOT / "lab.toml"))
