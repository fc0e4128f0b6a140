"""Files of finished runs: a single run as JSON or Parquet, the sweep as three Parquet files.

assets/sweep/runs.parquet has a row for each run (its settings, provenance and last
epoch), assets/sweep/epochs.parquet a row for each epoch of each run, and
assets/sweep/scores.parquet a row for each run with scores of its images (core.cleaning.scores).
"""

import datetime
import io
import json
import platform
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from core.choices import FORMER_NOISES
from core.cleaning.scores import ImageScores, read_scores, to_bytes
from core.config import RunConfig
from core.errors import ConfigError, StorageError, SweepError
from core.paths import ASSETS, replacing
from core.records import METRICS, TIMES, EpochRecord, Hardware, fitted_epoch

SWEEP_FOLDER = ASSETS / "sweep"
RUNS, EPOCHS, SCORES = "runs.parquet", "epochs.parquet", "scores.parquet"
ORDER = ["model", "data", "corruption", "batch_size", "level", "seed"]
EPOCH_COLUMNS: dict[str, type] = {
    "run_id": str,
    **{name: int if name == "epoch" else float for name in METRICS},
    "predictions": object,
    "evaluated_on": float,
    "loss_counts": object,
}
SCORE_COLUMNS: dict[str, type] = {"run_id": str, "scores": object}  # bytes, see to_bytes
FINAL = tuple(name for name in METRICS if name not in (*TIMES, "epoch", "learning_rate"))
RUN_COLUMNS: dict[str, type] = {
    "run_id": str,
    **{spec.name: spec.metadata["value_type"] for spec in fields(RunConfig)},
    **{f"final_{name}": float for name in FINAL},
    **{"epochs_trained": int, "fitted_epoch": float, "images_per_second": float},
    **{"device": str, "device_type": str, "threads": float, "torch": str, "python": str, "date": str},
    **{"wall_seconds": float, "runs_at_once": float},
}
# Columns that files of older versions may lack. A missing setting had its default; the run_id, a
# hash of the settings, shows whether that is right.
ADDED_LATER = {"runs_at_once", "device_type", "threads", *(spec.name for spec in fields(RunConfig))}
ADDED_LATER |= {"validation_error", "evaluated_on", "loss_counts", "prediction_changes", "usual_wrong"}
ADDED_LATER |= {f"final_{name}" for name in ("validation_error", "prediction_changes", "usual_wrong")}
COUNT_TYPE = "<u2"  # type of loss_counts in the file, two bytes each


@dataclass(frozen=True)
class Result:
    """A finished run: its settings, records, provenance and scores."""

    config: RunConfig
    records: list[EpochRecord]
    provenance: dict[str, str | float | None]  # device, versions, date, wall time
    scores: ImageScores | None = None  # None: from an older version without scores

    def run_row(self) -> dict[str, Any]:
        """The run's row of runs.parquet."""
        last = asdict(self.records[-1])
        speeds = pd.Series([record.images_per_second for record in self.records])
        return {
            "run_id": self.config.run_id,
            **asdict(self.config),
            **{f"final_{name}": last[name] for name in FINAL},
            "epochs_trained": len(self.records),
            "fitted_epoch": fitted_epoch(self.records),
            "images_per_second": round(float(speeds.median()), 1),  # training alone
            **self.provenance,
        }

    def epoch_rows(self) -> list[dict[str, Any]]:
        """The run's rows of epochs.parquet, with predictions as one byte and counts as two."""
        return [
            {
                "run_id": self.config.run_id,
                **asdict(record),
                "predictions": bytes(record.predictions),
                "loss_counts": np.array(record.loss_counts, dtype=COUNT_TYPE).tobytes(),
            }
            for record in self.records
        ]

    def score_rows(self) -> list[dict[str, Any]]:
        """The run's row of scores.parquet in a list, which is empty without scores."""
        if self.scores is None:
            return []
        return [{"run_id": self.config.run_id, "scores": to_bytes(self.scores)}]


class Tables(NamedTuple):
    """The rows of the three files."""

    runs: pd.DataFrame
    epochs: pd.DataFrame
    scores: pd.DataFrame


def provenance(
    hardware: Hardware, wall_seconds: float, runs_at_once: float = 1.0
) -> dict[str, str | float | None]:
    """The provenance of a stored result: hardware, versions, date and wall time.

    runs_at_once: how many runs the device trained side by side on average, including this one.
    """
    return {
        **hardware._asdict(),
        "torch": version("torch"),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "wall_seconds": round(wall_seconds, 1),
        "runs_at_once": runs_at_once,
    }


def save_result(path: Path, result: Result) -> None:
    """Write one run to `path`, as Parquet or JSON by the ending. Raises StorageError, ConfigError."""
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
        raise ConfigError(f"{path} must end in .json or .parquet.")


def add_results(results: list[Result], folder: Path = SWEEP_FOLDER) -> None:
    """Add runs to the precomputed sweep; a run that is already there is replaced.

    Raises SweepError, and StorageError, for a full disk for example. Stored runs are safe then.
    """
    rows = (
        [result.run_row() for result in results],
        [row for result in results for row in result.epoch_rows()],
        [row for result in results for row in result.score_rows()],
    )
    runs, epochs, scores = map(pd.DataFrame, rows)
    add_tables(Tables(runs, epochs, scores if len(scores) else _empty(SCORE_COLUMNS)), folder)


def add_tables(added: Tables, folder: Path = SWEEP_FOLDER) -> None:
    """Add the rows of another machine's sweep, or of new runs, to the precomputed sweep.

    Raises SweepError and StorageError, as `add_results` does.
    """
    make_folder(folder)
    with FileLock(folder / ".lock"):  # no other process may write between reading and writing
        runs, epochs = load_runs(folder), _read(folder / EPOCHS, EPOCH_COLUMNS)
        scores = _read(folder / SCORES, SCORE_COLUMNS)
        names = added.runs.run_id
        epochs = _replaced(epochs, added.epochs, names).sort_values(["run_id", "epoch"])
        scores = _replaced(scores, added.scores, names).sort_values("run_id")
        runs = _replaced(runs, _completed(added.runs), names).sort_values(ORDER)
        # Runs are written last. After a crash in between, epochs of an unlisted run do no harm.
        for name, table in ((EPOCHS, epochs), (SCORES, scores), (RUNS, runs)):
            _write_parquet(folder / name, table)


def make_folder(folder: Path) -> None:
    """Make the folder and its parents, unless it exists. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(folder, error) from None


def _replaced(old: pd.DataFrame, new: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """The rows of both tables, without old rows of the runs with these names."""
    others = old[~old.run_id.isin(names)]
    # pandas would take the column types from an empty table.
    tables = [table for table in (others, new) if len(table)]
    return pd.concat(tables) if tables else new


def stamp(folder: Path = SWEEP_FOLDER) -> int:
    """A number that changes whenever runs are added; 0 where there are none."""
    path = folder / RUNS
    return path.stat().st_mtime_ns if path.exists() else 0


def load_runs(folder: Path = SWEEP_FOLDER) -> pd.DataFrame:
    """Load the precomputed runs, a row each; the table may be empty. Raises SweepError."""
    return _completed(_read(folder / RUNS, RUN_COLUMNS))


def _completed(runs: pd.DataFrame) -> pd.DataFrame:
    """Update rows of older versions to today's columns and names."""
    defaults: dict[str, Any] = {spec.name: spec.default for spec in fields(RunConfig)}
    # Runs from before a setting was added had its default.
    runs = runs.assign(**{name: defaults[name] for name in defaults if name not in runs})
    runs["noise"] = runs.noise.replace(FORMER_NOISES)
    for name in FINAL:
        if f"final_{name}" in ADDED_LATER - set(runs):
            runs[f"final_{name}"] = np.nan
    if "runs_at_once" not in runs:
        runs["runs_at_once"] = 1.0
    if "device_type" not in runs:  # taken from the device's description; only two types existed
        threads = runs.device.str.extract(r"^(\d+) CPU threads")[0]
        runs["device_type"] = np.where(threads.isna(), "cuda", "cpu")
        runs["threads"] = threads.astype(float)
    return runs


def load_epochs(run_ids: Iterable[str], folder: Path = SWEEP_FOLDER) -> pd.DataFrame:
    """Load the metrics of each epoch of these runs, without predictions. Raises SweepError.

    Runs of older versions recorded no prediction changes: theirs are those of the followed images.
    """
    columns = {name: EPOCH_COLUMNS[name] for name in ("run_id", *METRICS)}
    # [""] matches no run. Arrow cannot infer the type of an empty list.
    chosen = [("run_id", "in", list(run_ids) or [""])]
    epochs = _read(folder / EPOCHS, {**columns, "predictions": object}, chosen)
    changes = _followed_changes(epochs)
    epochs = epochs.reindex(columns=list(columns))  # older versions lack some
    return epochs.assign(prediction_changes=epochs.prediction_changes.fillna(changes))


def _followed_changes(epochs: pd.DataFrame) -> pd.Series:
    """The share of the followed images whose prediction differs from that of the epoch before.

    epochs: rows in the order of run and epoch. NaN in the first epoch of a run.
    """
    before = epochs.predictions.shift().where(epochs.run_id == epochs.run_id.shift())
    shares = [
        np.mean(np.frombuffer(old, np.uint8) != np.frombuffer(new, np.uint8))
        if isinstance(old, bytes) and old
        else np.nan
        for old, new in zip(before, epochs.predictions, strict=True)
    ]
    return pd.Series(shares, index=epochs.index, dtype=float)


def load_scores(run_id: str, folder: Path = SWEEP_FOLDER) -> ImageScores | None:
    """Load the scores of a run's images, or None if there are none. Raises SweepError."""
    rows = _read(folder / SCORES, SCORE_COLUMNS, [("run_id", "==", run_id)])
    return read_scores(io.BytesIO(rows.scores.iloc[0])) if len(rows) else None


def load_tables(folder: Path) -> Tables:
    """Load and check the complete files of another machine's sweep.

    Raises SweepError where files are missing or unreadable, and ConfigError where rows are invalid.
    """
    for name in (RUNS, EPOCHS):
        if not (folder / name).exists():
            raise SweepError(f"{folder} has no {name}: name the folder of another machine's sweep.")
    runs, epochs = _read(folder / RUNS, RUN_COLUMNS), _read(folder / EPOCHS, EPOCH_COLUMNS)
    for name, table, columns in (
        (RUNS, runs, set(RUN_COLUMNS) - ADDED_LATER),
        (EPOCHS, epochs, set(EPOCH_COLUMNS) - ADDED_LATER),
    ):
        if lacking := sorted(columns - set(table)):
            raise ConfigError(f"{folder / name} has no column {lacking[0]}: nothing was taken from it.")
    runs = _completed(runs)
    epochs = epochs[epochs.run_id.isin(runs.run_id)]  # drops epochs of a run that was being added
    counted = {run_id: sorted(rows.epoch) for run_id, rows in epochs.groupby("run_id")}
    for run in runs.to_dict("records"):
        if problem := _problem(run, counted.get(run["run_id"], [])):
            raise ConfigError(
                f"{folder / RUNS}: run {run['run_id']} {problem}: nothing was taken from there."
            )
    scores = _read(folder / SCORES, SCORE_COLUMNS)
    return Tables(runs, epochs, scores[scores.run_id.isin(runs.run_id)])


def _problem(run: Mapping[Hashable, Any], epochs: list[int]) -> str:
    """Describe what is wrong with a row of runs.parquet and its epochs; empty if nothing is."""
    try:
        run_id = config_of(run).run_id
    except (ConfigError, ValueError, TypeError) as error:
        return f"has invalid settings ({str(error).rstrip('.')})"
    if run_id != run["run_id"]:
        return f"has the settings of another run ({run_id})"
    if not epochs:
        return "has no epochs"
    if epochs != list(range(1, int(run["epochs_trained"]) + 1)):
        return f"has {len(epochs)} epochs instead of those from 1 to {run['epochs_trained']:g}"
    return ""


def load_records(run_id: str, folder: Path = SWEEP_FOLDER) -> list[EpochRecord]:
    """Load all records of one precomputed run, with predictions. Raises SweepError."""
    rows = _read(folder / EPOCHS, EPOCH_COLUMNS, [("run_id", "==", run_id)]).drop(columns="run_id")
    known = rows.astype(object).where(rows.notna(), None)
    return [_record({str(name): row[name] for name in row}) for row in known.to_dict("records")]


def _record(row: dict[str, Any]) -> EpochRecord:
    if row.get("loss_counts") is not None:  # older versions did not store them
        row["loss_counts"] = np.frombuffer(row["loss_counts"], dtype=COUNT_TYPE).tolist()
    else:
        row.pop("loss_counts", None)
    if row.get("evaluated_on") is not None:
        row["evaluated_on"] = int(row["evaluated_on"])  # pandas stores a column with gaps as floats
    return EpochRecord(**row)


def config_of(run: Mapping[Any, Any] | pd.Series) -> RunConfig:
    """Return the settings of one row of runs.parquet."""
    return RunConfig(
        **{spec.name: spec.metadata["value_type"](run[spec.name]) for spec in fields(RunConfig)}
    )


def _read(path: Path, columns: Mapping[str, type], filters: list[tuple] | None = None) -> pd.DataFrame:
    """Read the rows of a file; without a file, an empty table of these columns. Raises SweepError."""
    if not path.exists():
        return _empty(columns)
    try:
        stored = [name for name in columns if name in pq.read_schema(path).names] or None
        return pd.read_parquet(path, columns=stored, filters=filters)
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "copy it there again"
        if path.parent == SWEEP_FOLDER:
            remedy = "restore it with `git checkout -- assets/sweep`"
        raise SweepError(f"{path} cannot be read ({reason}): {remedy}.") from None


def _empty(columns: Mapping[str, type]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=value_type) for name, value_type in columns.items()})


def _write_parquet(path: Path, rows: pd.DataFrame) -> None:
    _write(path, lambda part: rows.reset_index(drop=True).to_parquet(part, index=False))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file next to `path` and rename it, so that `path` is always complete.

    Raises StorageError.
    """
    try:
        with replacing(path) as part:
            write(part)
    except OSError as error:
        raise StorageError(path, error) from None
