"""Finished runs as files: one run as JSON or Parquet, the precomputed sweep as two Parquet files.

assets/sweep/runs.parquet has a row for each run (its settings, provenance and last
epoch), assets/sweep/epochs.parquet a row for each epoch of each run.
"""

import datetime
import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from core.cifar10 import ASSETS
from core.config import RunConfig
from core.records import EpochRecord, fitted_epoch

SWEEP_FOLDER = ASSETS / "sweep"


@dataclass(frozen=True)
class Result:
    """A finished run: its settings, its records and where they come from."""

    config: RunConfig
    records: list[EpochRecord]
    provenance: dict[str, str | float]  # device, versions, date, wall time

    def run_row(self) -> dict:
        """One row of runs.parquet."""
        last = asdict(self.records[-1])
        del last["predictions"], last["epoch"]
        return {
            "run_id": self.config.run_id,
            **asdict(self.config),
            **{f"final_{name}": value for name, value in last.items()},
            "fitted_epoch": fitted_epoch(self.records),
            **self.provenance,
        }

    def epoch_rows(self) -> list[dict]:
        """The rows of epochs.parquet."""
        return [{"run_id": self.config.run_id, **asdict(record)} for record in self.records]


def provenance(device: str, wall_seconds: float) -> dict[str, str | float]:
    """What a stored number must carry: where, with what, when and how long."""
    return {
        "device": device,
        "torch": version("torch"),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "wall_seconds": round(wall_seconds, 1),
    }


def save_result(path: Path, result: Result) -> None:
    """Write one run to `path`, as Parquet or JSON by its ending. Raises OSError, ValueError."""
    if path.suffix == ".parquet":
        rows = pd.DataFrame(result.epoch_rows())
        rows.attrs = {"config": asdict(result.config), "provenance": result.provenance}
        _write_parquet(path, rows)
    elif path.suffix == ".json":
        content = {
            "run_id": result.config.run_id,
            "config": asdict(result.config),
            "provenance": result.provenance,
            "fitted_epoch": fitted_epoch(result.records),
            "epochs": [asdict(record) for record in result.records],
        }
        _write(path, lambda part: part.write_text(json.dumps(content, indent=1) + "\n"))
    else:
        raise ValueError(f"{path} must end in .json or .parquet.")


def add_to_sweep(results: list[Result], folder: Path = SWEEP_FOLDER) -> None:
    """Put runs into the precomputed sweep; a run that is there already is replaced."""
    runs, epochs = load_sweep(folder)
    new = [result.config.run_id for result in results]
    run_rows = pd.DataFrame([result.run_row() for result in results])
    epoch_rows = pd.DataFrame([row for result in results for row in result.epoch_rows()])
    if len(runs):
        run_rows = pd.concat([runs[~runs.run_id.isin(new)], run_rows])
        epoch_rows = pd.concat([epochs[~epochs.run_id.isin(new)], epoch_rows])
    order = ["model", "data", "corruption", "batch_size", "level", "seed"]
    _write_parquet(folder / "epochs.parquet", epoch_rows.sort_values(["run_id", "epoch"]))
    _write_parquet(folder / "runs.parquet", run_rows.sort_values(order))


def load_sweep(folder: Path = SWEEP_FOLDER) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The precomputed runs and their epochs; two empty tables where there are none."""
    try:
        return pd.read_parquet(folder / "runs.parquet"), pd.read_parquet(folder / "epochs.parquet")
    except FileNotFoundError:
        return pd.DataFrame(columns=["run_id"]), pd.DataFrame(columns=["run_id"])


@cache
def paper() -> dict:
    """The numbers of Zhang et al. 2017, as printed and as read off its figures."""
    return json.loads((ASSETS / "reference" / "zhang2017.json").read_text())


def _write_parquet(path: Path, rows: pd.DataFrame) -> None:
    _write(path, lambda part: rows.reset_index(drop=True).to_parquet(part, index=False))


def _write(path: Path, write) -> None:
    """Whole or not at all: written beside `path`, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    os.close(handle)
    try:
        write(Path(name))
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
