"""The grids: the runs of the precomputed sweep, most useful first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from core.choices import DEFENCES, NETWORKS, RANKINGS
from core.cleaning.ranking import HELD_OUT, sources
from core.config import RunConfig
from core.data.noise import wrong_share

BY_VALUE = (0.0, 1.0, 0.5, 0.2, 0.8, 0.4, 0.6, 0.1, 0.9, 0.3, 0.7)  # levels: ends and middle first
SEEDS = (0, 1, 2)
WEIGHT_DECAY = 0.0005  # the paper says "default" and prints no number
EARLY = 5  # epochs after the training set is fitted: see _read_early
TUTORIAL_WEIGHT_DECAY = 0.004  # in TensorFlow's CIFAR-10 tutorial, there on two layers only
# Tried on 5,000 images: with which of them does AlexNet fail on random labels, as the paper reports?
STRONGER_WEIGHT_DECAYS = (TUTORIAL_WEIGHT_DECAY, 0.01, 0.02)
MINI = ("mlp-1x512", "mlp-3x512", "alexnet", "inception")  # networks on the 5,000 embedded images
CURED = ("mlp-1x512", "alexnet")  # networks of the grids on finding and repairing wrong labels
CURE_LEVELS = (0.4, 0.2, 0.6, 0.8, 0.0)
WIDTHS = tuple(2**power for power in range(13))  # hidden units
WIDTH_LEVELS = (1.0, 0.0, 0.2, 0.1)
# To estimate what a network memorizes: Feldman and Zhang 2020 train thousands, each on 70%.
LEFT_OUT, SUBSETS = 0.3, 16
SCRAMBLED = ("shuffled-pixels", "random-pixels", "gaussian")


@dataclass(frozen=True)
class Grid:
    """A named part of the sweep, repeated for every seed."""

    name: str
    about: str  # one sentence
    one_seed: tuple[RunConfig, ...]  # at seed 0
    seeds: tuple[int, ...] = SEEDS

    def runs(self, seeds: Iterable[int] | None = None) -> list[RunConfig]:
        """The runs of the grid, all of one seed before the next; seeds: only those of its own."""
        chosen = self.seeds if seeds is None else [seed for seed in seeds if seed in self.seeds]
        return [replace(config, seed=seed) for seed in chosen for config in self.one_seed]


def _paper(model: str, **settings: Any) -> RunConfig:
    """A run as in the paper: MLPs for 200 epochs, others for 64, or until fitted plus 10."""
    length: dict[str, Any] = {"epochs": 200}
    if not NETWORKS[model].is_flat:
        length = {"epochs": 64, "epochs_after_fitted": 10}
    return RunConfig(**{"model": model, "data": "full", "batch_size": 128, **length, **settings})


def _poster(model: str, batch_size: int, level: float) -> RunConfig:
    """A run with the poster's settings; the learning rate is the paper's for any batch size.

    The poster trains for 250 epochs. The learning rate depends on the epoch alone, so this is
    the first part of such a run: 100 epochs have 99.4% of the sum of all learning rates.
    """
    return _read_early(model, level=level, batch_size=batch_size, max_epochs=100)


def _poster_runs() -> tuple[RunConfig, ...]:
    """The poster's runs of two Inceptions, the decisive ones first, batch 32 before batch 64."""
    deciding = (
        ("inception", 1.0),
        ("inception-7x7", 0.0),
        ("inception-7x7", 1.0),
        ("inception-7x7", 0.5),
        ("inception", 0.5),
        ("inception", 0.0),
    )
    rest = [
        (model, level)
        for level in BY_VALUE
        for model in ("inception", "inception-7x7")
        if (model, level) not in deciding
    ]
    return tuple(
        _poster(model, size, level)
        for chosen in (deciding, rest)
        for size in (32, 64)
        for model, level in chosen
    )


def _until_fitted(model: str, **settings: Any) -> RunConfig:
    return _paper(model, **{"epochs": 10, "epochs_after_fitted": 10, **settings})


def _read_early(model: str, **settings: Any) -> RunConfig:
    """A run that ends 5 epochs after the training set is fitted, where 64 would take half a day.

    The learning rate depends on the epoch alone, so this is the first part of the same run
    over 64 epochs. On stored runs, reading early moves the test error by 0.0 to 0.4 points
    on average (0.1 to 0.8 rms); fewer than 5 epochs are not safe.
    """
    return _until_fitted(model, epochs_after_fitted=EARLY, **settings)


def _table_1() -> list[RunConfig]:
    """The 19 rows of table 1; those of figure 1c's networks without a regularizer are in "paper".

    A run with weight decay has a fixed length, because its loss settles near the value at which a
    training set counts as fitted, so that the epoch of fitting is a matter of chance.
    """
    crop: dict[str, Any] = {"random_crop": True}
    rows = []
    for model in ("mlp-1x512", "mlp-3x512", "alexnet", "inception", "inception-no-bn"):
        bare = _until_fitted if model == "inception-no-bn" else _paper
        rows += [bare(model), bare(model, level=1.0), _decayed(model)]
        if model in ("alexnet", "inception"):
            rows += [_until_fitted(model, **crop), _decayed(model, **crop)]
    return rows


def _table_4() -> list[RunConfig]:
    """The runs of table 4, random labels with weight decay, and with random crops for Inception.

    For AlexNet the paper prints no weight decay, only that it "failed to converge". Both our
    weight decay and that of the tutorial from which its AlexNet seems to come are tried.
    """
    rows = [_decayed(model, level=1.0) for model in ("mlp-1x512", "mlp-3x512", "alexnet", "inception")]
    rows.append(replace(_decayed("alexnet", level=1.0), weight_decay=TUTORIAL_WEIGHT_DECAY))
    rows.append(_until_fitted("inception", level=1.0, random_crop=True))
    return rows


def _decayed(model: str, **settings: Any) -> RunConfig:
    epochs = 100 if NETWORKS[model].is_flat else 64  # at learning rates of 0.6% and 4% of the first
    return _paper(
        model, **{"epochs": epochs, "epochs_after_fitted": 0, "weight_decay": WEIGHT_DECAY, **settings}
    )


def _mini_regularized(model: str) -> list[RunConfig]:
    runs = [
        RunConfig(model=model, level=level, **regularizer)
        for level in (0.0, 1.0)
        for regularizer in ({"weight_decay": WEIGHT_DECAY}, {"random_crop": True})
    ]
    if model == "alexnet":  # as in table 4
        runs += [
            RunConfig(model=model, level=1.0, weight_decay=decay) for decay in STRONGER_WEIGHT_DECAYS
        ]
    return runs


def _searched(model: str, **settings: Any) -> list[RunConfig]:
    """The runs that rank the labels of a run with these settings, for all rankings."""
    config = RunConfig(model=model, **settings)
    return list(dict.fromkeys(run for ranking in RANKINGS for run in sources(config, ranking)))


def _repaired_runs(model: str, level: float) -> list[RunConfig]:
    """Runs that repair as many labels as are wrong, by each ranking; by one, also fewer and more."""
    count = wrong_share(RunConfig(level=level))
    shares = [(repair, ranking, count) for repair in ("drop", "relabel") for ranking in RANKINGS]
    shares += [("drop", "confident", share) for share in (count / 2, 1.25 * count)]
    return [
        RunConfig(model=model, level=level, repair=repair, ranking=ranking, repaired=share)
        for repair, ranking, share in shares
    ]


_GRIDS = (
    Grid(
        "paper",
        "Figure 1 b and c: every network at every corruption level.",
        tuple(
            _paper(model, level=level)
            for model in ("mlp-1x512", "mlp-3x512", "alexnet", "inception")
            for level in BY_VALUE
        ),
    ),
    Grid(
        "paper-until-fitted",
        "Inception at every corruption level, read 5 epochs after the training set is fitted.",
        tuple(_read_early("inception", level=level) for level in BY_VALUE),
    ),
    Grid(
        "mini",
        "Every network on the 5,000 embedded images.",
        tuple(RunConfig(model=model, level=level) for model in MINI for level in BY_VALUE),
    ),
    Grid(
        "mini-randomization",
        "The same networks on scrambled pixels and on noise.",
        tuple(
            RunConfig(model=model, corruption=corruption) for model in MINI for corruption in SCRAMBLED
        ),
    ),
    Grid(
        "mini-regularization",
        "The same networks with weight decay and with random crops, on true and random labels.",
        tuple(config for model in MINI for config in _mini_regularized(model)),
    ),
    Grid(
        "mini-stopping",
        "A fifth of the 5,000 images held out, with the labels given, to see when to stop.",
        tuple(
            RunConfig(model=model, level=level, validation=HELD_OUT)
            for level in (0.4, 0.5, 0.2, 0.8, 0.6, 0.3, 0.7, 0.0, 1.0)
            for model in CURED
        ),
    ),
    Grid(
        "stopping",
        "A fifth of all 50,000 images held out, with the labels given, to see when to stop.",
        tuple(
            _read_early("alexnet", level=level, validation=HELD_OUT)
            for level in (0.4, 0.6, 0.2, 0.8, 0.5, 0.3, 0.7, 0.0, 1.0)
        ),
    ),
    Grid(
        "mini-repair",
        "At 40%: the runs that rank the labels, and runs on repaired labels.",
        tuple(
            config
            for model in CURED
            for config in (*_searched(model, level=0.4), *_repaired_runs(model, 0.4))
        ),
    ),
    Grid(
        "mini-subsets",
        "On true labels: sixteen small networks, each without another three tenths of the images.",
        (RunConfig(validation=LEFT_OUT),),
        seeds=tuple(range(SUBSETS)),
    ),
    Grid(
        "mini-defences",
        "Losses and regularizers against memorizing wrong labels.",
        tuple(
            RunConfig(model=model, level=level, **defence.settings)
            for level in CURE_LEVELS
            for defence in DEFENCES.values()
            if defence.settings
            for model in CURED
        ),
    ),
    Grid(
        "mini-noise",
        "Other shapes of label noise, a fifth of the images held out.",
        tuple(
            RunConfig(model=model, level=level, noise=noise, validation=HELD_OUT)
            for noise, level in (
                ("cifar10n-worst-matrix", 1.0),
                ("cifar10n-aggregate-matrix", 1.0),
                ("confusable", 0.4),
                ("pair", 0.4),
            )
            for model in CURED
        ),
    ),
    Grid(
        "mini-widths",
        "The small network with 1 to 4,096 hidden units.",
        tuple(RunConfig(level=level, width=width) for level in WIDTH_LEVELS for width in WIDTHS),
    ),
    Grid(
        "regularization",
        "Tables 1 and 4: with and without weight decay and random crops.",
        (*_table_1(), *_table_4()),
    ),
    Grid(
        "randomization",
        "Figure 1 a: true and random labels, shuffled and random pixels, noise.",
        tuple(
            config
            for model in ("mlp-1x512", "mlp-3x512", "alexnet", "inception")
            for config in (
                _paper(model),
                _paper(model, level=1.0),
                *(_paper(model, corruption=corruption) for corruption in SCRAMBLED),
            )
        ),
    ),
    Grid(
        "poster",
        "The student's poster: the small network, and two Inceptions at two batch sizes.",
        (
            *(_paper("mlp-1x512", level=level) for level in BY_VALUE),
            *_poster_runs(),
        ),
    ),
)
GRIDS = {grid.name: grid for grid in _GRIDS}


def all_runs(grids: Iterable[str] = GRIDS) -> list[RunConfig]:
    """Every run of these grids once, with seed 0 of all grids first."""
    names = list(grids)
    seeds = sorted({seed for name in names for seed in GRIDS[name].seeds})
    runs = [run for seed in seeds for name in names for run in GRIDS[name].runs([seed])]
    return list(dict.fromkeys(runs))
