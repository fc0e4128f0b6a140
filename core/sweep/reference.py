"""Published numbers: of the paper, of the poster, and of earlier public attempts.

Levels and errors are fractions. Each file in assets/reference names its sources.
"""

import json
from enum import StrEnum
from functools import cache
from typing import Any

import pandas as pd

from core.config import RunConfig
from core.paths import ASSETS
from core.sweep.protocol import is_as_in_the_paper


class Source(StrEnum):
    """The source of a number, in the words of a chart's tooltip."""

    OURS = "ours"
    CONVERTED = "ours, if the test labels were corrupted as well"
    TRUE = "ours, against the true test labels"
    BEST = "ours, at its best epoch"
    LIVE = "your run"
    GUESSED = "guessed"
    PAPER = "the paper"
    POSTER = "the poster"
    EARLIER = "an earlier attempt"
    FIRST_AUTHOR = "the first author's code"


TABLE_NAMES = {  # the names of the networks in table 1, to our names
    "Inception": "inception",
    "Inception w/o BN": "inception-no-bn",
    "AlexNet": "alexnet",
    "MLP 3x512": "mlp-3x512",
    "MLP 1x512": "mlp-1x512",
}
SERIES_1A = {  # the series of figure 1a, to corruption and level
    "true labels": ("labels", 0.0),
    "random labels": ("labels", 1.0),
    "shuffled pixels": ("shuffled-pixels", 0.0),
    "random pixels": ("random-pixels", 0.0),
    "gaussian": ("gaussian", 0.0),
}
PAPER_NAMES = {  # our names, to the names in the paper's figure 1
    "mlp-1x512": "MLP 1x512",
    "alexnet": "AlexNet",
    "inception": "Inception",
}


def paper() -> dict[str, Any]:
    """The numbers of Zhang et al. 2017, as printed and as read off its figures."""
    return _reference("zhang2017")


def poster() -> dict[str, Any]:
    """The numbers of A. Zhuang's poster, 2023."""
    return _reference("poster2023")


def earlier_attempts() -> dict[str, Any]:
    """The numbers of earlier public attempts, and the errors in each."""
    return _reference("reproductions")


def noisy_labels() -> dict[str, Any]:
    """Test accuracies from the literature on learning with noisy labels."""
    return _reference("noisy_labels")


@cache
def _reference(name: str) -> dict[str, Any]:
    return json.loads((ASSETS / "reference" / f"{name}.json").read_text(encoding="utf-8"))


def paper_curve(paper: dict[str, Any], model: str) -> pd.DataFrame:
    """The paper's figure 1c for one network: columns level, test_error. May be empty."""
    return _curve(paper["fig1c_test_error"], model, "test_error")


def is_duplicate(figure: dict[str, Any], name: str, level: float) -> bool:
    """Whether the figure's point at this level repeats the point at the next level."""
    values = figure["series"][name]
    index = round(10 * level)
    # Only below 80%, because points close to chance may well coincide.
    return index < 8 and values[index] == values[index + 1]


def sound_paper_curve(paper: dict[str, Any], model: str) -> pd.DataFrame:
    """The paper's figure 1c for one network without duplicate points; see `paper_curve`."""
    curve, figure = paper_curve(paper, model), paper["fig1c_test_error"]
    name = PAPER_NAMES.get(model, "")
    slips = [is_duplicate(figure, name, level) for level in curve.level]
    return curve[~pd.Series(slips, index=curve.index, dtype=bool)]


def paper_test_error(paper: dict[str, Any], config: RunConfig) -> float | None:
    """The paper's test error for this network and level, or None if its figure has no such point."""
    if not is_as_in_the_paper(config):
        return None  # the paper has no number for this experiment
    curve = paper_curve(paper, config.model)
    point = curve[curve.level == config.level]
    return float(point.test_error.iloc[0]) if len(point) else None


def paper_fit_times(paper: dict[str, Any], model: str) -> pd.DataFrame:
    """The paper's figure 1b for one network: columns level, time, epochs. May be empty.

    Each point is a number of epochs divided by that on true labels. We take the smallest divisor
    that makes all eleven numbers whole; epochs is 0 if there is none.
    """
    times = _curve(paper["fig1b_relative_convergence_time"], model, "time")
    unit = next((n for n in range(1, 200) if _are_whole(times.time * n, n)), None)
    return times.assign(epochs=(times.time * (unit or 0)).round())


def poster_points(poster: dict[str, Any], model: str) -> pd.DataFrame:
    """The test errors on the poster: columns level, error, quantity, source, run."""
    name = {"mlp-1x512": "MLP", "inception": "InceptionNet"}.get(model)
    reported = poster["reported"]
    points: list[tuple[float, float]] = []
    if name in reported["test_error_at_0"]:
        points.append((0.0, reported["test_error_at_0"][name]))
    if f"{name}_at_1" in reported:
        points.append((1.0, reported[f"{name}_at_1"]["test_error"]))
    return _theirs(points, Source.POSTER, "poster of 2023, as reported")


def earlier_points(attempts: dict[str, Any], model: str) -> pd.DataFrame:
    """The test errors of earlier public attempts, with the columns of `poster_points`."""
    attempt = attempts["mdv3101/Rethinking_Generalization"]
    series = {"mlp-1x512": "MLP 1x512", "inception": "Inception"}
    series["alexnet"] = "AlexNet (torchvision, 224 px)"
    values = attempt["test_error"].get(series.get(model, ""), [])
    points = list(zip(attempt["corruption"], values, strict=False))
    rows = _theirs(points, Source.EARLIER, "mdv3101/Rethinking_Generalization")
    if model == "mlp-1x512":
        right = attempts["pluskid/fitting-random-labels"]["MLP 512 random labels percent at epoch 299"]
        point = [(1.0, 1 - right["test"] / 100)]
        rows = pd.concat([rows, _theirs(point, Source.FIRST_AUTHOR, "pluskid/fitting-random-labels")])
    return rows


def _are_whole(epochs: pd.Series, unit: int) -> bool:
    """Whether these are whole numbers, within the fourth decimal of the ratios."""
    return bool(((epochs - epochs.round()).abs() <= 0.00006 * unit).all())


def weights_that_suffice(images: int, values: int = 28 * 28 * 3) -> int:
    """The number of weights, 2n + d, with which two layers can fit any labels of n images.

    Zhang et al. 2017, theorem 1. images: n; values: d, the numbers in an image.
    """
    return 2 * images + values


def _theirs(points: list[tuple[float, float]], source: Source, run: str) -> pd.DataFrame:
    rows = pd.DataFrame(points, columns=["level", "error"])
    return rows.assign(quantity="test error", source=source.value, run=run)


def _curve(figure: dict[str, Any], model: str, name: str) -> pd.DataFrame:
    values = figure["series"].get(PAPER_NAMES.get(model, ""), [])
    return pd.DataFrame({"level": figure["corruption"][: len(values)], name: values})
