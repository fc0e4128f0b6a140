"""Our numbers beside the paper's: tables for the pages and charts."""

import numpy as np
import pandas as pd

from core.config import RunConfig, run_name
from core.records import FITTED_LOSS, EpochRecord

PAPER_NAMES = {  # of the networks in the paper's figure 1
    "mlp-1x512": "MLP 1x512",
    "alexnet": "AlexNet",
    "inception": "Inception",
}
BATCH_SIZE = {"full": 128, "embedded": 64}  # of the grids "paper" and "mini"
FIT_RULES = {  # when a training set counts as fitted: a measure, and the value to reach
    "loss": ("train_loss", FITTED_LOSS),
    "error": ("train_error", 0.05),
}


def paper_curve(paper: dict, model: str) -> pd.DataFrame:
    """The paper's figure 1c for one network: columns level, test_error; empty if not in it."""
    return _curve(paper["fig1c_test_error"], model, "test_error")


def paper_test_error(paper: dict, config: RunConfig) -> float | None:
    """The paper's test error for this network at this level, where its figure has that point."""
    if config.corruption != "labels":
        return None
    curve = paper_curve(paper, config.model)
    near = curve[(curve.level - config.level).abs() < 1e-6]
    return float(near.test_error.iloc[0]) if len(near) else None


def against_corrupted_labels(test_error, level):
    """The error to expect of the same predictions if the test labels were corrupted, too.

    A test label redrawn with probability `level` agrees with any prediction one time in ten.
    Numbers or arrays in [0, 1].
    """
    return 1 - (1 - level) * (1 - test_error) - level / 10


def label_runs(runs: pd.DataFrame, data: str = "full") -> pd.DataFrame:
    """The sweep's runs with corrupted labels, without any regularizer, as in figure 1c.

    Of several grids' runs of one network: those at the protocol's batch size of that data.
    """
    if not len(runs):
        return runs
    keep = (runs.data == data) & (runs.corruption == "labels") & (runs.batch_size == BATCH_SIZE[data])
    return runs[keep & (runs.weight_decay == 0) & ~runs.random_crop]


def level_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Test and training error at each level: the mean over the seeds, the least and the most.

    Columns model, level, quantity, error, low, high, seeds; runs: rows of the sweep.
    """
    parts = []
    for name, quantity in (("final_test_error", "test error"), ("final_train_error", "training error")):
        if len(runs):
            spread = runs.groupby(["model", "level"], as_index=False).agg(
                error=(name, "mean"), low=(name, "min"), high=(name, "max"), seeds=("seed", "nunique")
            )
            parts.append(spread.assign(quantity=quantity))
    columns = ["model", "level", "quantity", "error", "low", "high", "seeds"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def fit_epochs(runs: pd.DataFrame, epochs: pd.DataFrame, rule: str = "loss") -> pd.DataFrame:
    """The epoch in which each run's training set was fitted, by a rule of FIT_RULES.

    runs, epochs: rows of the sweep. Columns model, level, seed, epoch; runs that never
    got there are left out.
    """
    measure, limit = FIT_RULES[rule]
    there = epochs[epochs[measure] <= limit].groupby("run_id").epoch.min()
    table = runs.assign(epoch=runs.run_id.map(there).astype(float))[["model", "level", "seed", "epoch"]]
    return table.dropna(subset="epoch")


def relative_fit_times(fitted: pd.DataFrame) -> pd.DataFrame:
    """Figure 1b: epochs until fitted, as a multiple of the same network's on true labels.

    fitted: fit_epochs(). Columns model, level, time, low, high, seeds; a network is left
    out where its true labels are not computed. The band is that of the seeds' own epochs.
    """
    means = fitted.groupby(["model", "level"], as_index=False).agg(
        time=("epoch", "mean"), low=("epoch", "min"), high=("epoch", "max"), seeds=("seed", "nunique")
    )
    base = means[means.level == 0].set_index("model").time
    unit = means.model.map(base).astype(float)
    for name in ("time", "low", "high"):
        means[name] = means[name] / unit
    return means.dropna(subset="time")


def paper_fit_times(paper: dict, model: str) -> pd.DataFrame:
    """The paper's figure 1b for one network: columns level, time; empty if not in it."""
    return _curve(paper["fig1b_relative_convergence_time"], model, "time")


def poster_points(poster: dict, model: str) -> pd.DataFrame:
    """The test errors that the poster prints: columns level, error, quantity, source, run."""
    name = {"mlp-1x512": "MLP", "inception": "InceptionNet"}.get(model)
    reported, points = poster["reported"], []
    if name in reported["test_error_at_0"]:
        points.append((0.0, reported["test_error_at_0"][name]))
    if f"{name}_at_1" in reported:
        points.append((1.0, reported[f"{name}_at_1"]["test_error"]))
    return _theirs(points, "the poster", "poster of 2023, as reported")


def earlier_points(attempts: dict, model: str) -> pd.DataFrame:
    """Test errors of earlier public attempts: columns as poster_points."""
    attempt = attempts["mdv3101/Rethinking_Generalization"]
    series = {"mlp-1x512": "MLP 1x512", "inception": "Inception"}
    series["alexnet"] = "AlexNet (torchvision, 224 px)"
    values = attempt["test_error"].get(series.get(model), [])
    points = list(zip(attempt["corruption"], values, strict=False))
    rows = _theirs(points, "an earlier attempt", "mdv3101/Rethinking_Generalization")
    if model == "mlp-1x512":
        right = attempts["pluskid/fitting-random-labels"]["MLP 512 random labels percent at epoch 299"]
        point = [(1.0, 1 - right["test"] / 100)]
        rows = pd.concat(
            [rows, _theirs(point, "the first author's code", "pluskid/fitting-random-labels")]
        )
    return rows


def _theirs(points: list[tuple[float, float]], source: str, run: str) -> pd.DataFrame:
    rows = pd.DataFrame(points, columns=["level", "error"])
    return rows.assign(quantity="test error", source=source, run=run)


def _curve(figure: dict, model: str, name: str) -> pd.DataFrame:
    values = figure["series"].get(PAPER_NAMES.get(model), [])
    return pd.DataFrame({"level": figure["corruption"][: len(values)], name: values})


def sweep_test_error(runs: pd.DataFrame, config: RunConfig) -> float | None:
    """Our own test error on all images for this network and level, the mean over seeds."""
    runs = label_runs(runs)
    if not len(runs) or config.corruption != "labels":
        return None
    same = runs[(runs.model == config.model) & ((runs.level - config.level).abs() < 1e-6)]
    return float(same.final_test_error.mean()) if len(same) else None


def beside_paper(runs: pd.DataFrame, paper: dict, model: str) -> pd.DataFrame:
    """Figure 1c in fractions, a row for each level computed (mean over seeds) that the paper has.

    Columns level, ours, converted (against test labels corrupted, too), paper.
    """
    ours = runs[runs.model == model].groupby("level", as_index=False).final_test_error.mean()
    ours = ours.assign(level=ours.level.round(6)).rename(columns={"final_test_error": "ours"})
    theirs = paper_curve(paper, model).rename(columns={"test_error": "paper"})
    table = ours.merge(theirs.assign(level=theirs.level.round(6)), on="level")
    return table.assign(converted=against_corrupted_labels(table.ours, table.level))


def guess_gaps(guess, ours: pd.DataFrame) -> tuple[float, float] | None:
    """How far a guess is off, on average over the levels that are computed.

    guess: test errors and training errors at the 11 levels; ours: rows of the sweep, of one
    network. None where nothing is computed.
    """
    means = level_means(ours)
    gaps = []
    for quantity, values in zip(("test error", "training error"), guess, strict=True):
        truth = means[means.quantity == quantity]
        places = (10 * truth.level.astype(float)).round().astype(int)
        gaps.append(truth.error.to_numpy() - np.asarray(values)[places])
    return tuple(float(np.abs(gap).mean()) for gap in gaps) if len(means) else None


def points(finished: list[tuple[RunConfig, EpochRecord]]) -> pd.DataFrame:
    """Finished runs with corrupted labels as points of the sweep's chart, from their last epochs."""
    rows = [
        {
            "model": config.model,
            "level": config.level,
            "run": run_name(config),
            "test_error": record.test_error,
            "train_error": record.train_error,
        }
        for config, record in finished
        if config.corruption == "labels"
    ]
    return pd.DataFrame(rows, columns=["model", "level", "run", "test_error", "train_error"])
