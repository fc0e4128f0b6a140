"""RunConfig, the frozen and validated description of a run, and the presets.

A run is identified by its RunConfig alone. Equal settings are the same run, for every visitor,
on every page, in the store and in the precomputed sweep.
"""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import Field, asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

from core.choices import (
    CORRUPTIONS,
    FORMER_NOISES,
    LOSSES,
    NETWORKS,
    NOISES,
    RANKINGS,
    REPAIRS,
    USUAL_NETWORK,
)
from core.errors import ConfigError

MAX_SEED = 9999
MAX_EPOCHS = 1000
LONGEST_UNTIL_FITTED = 200  # epochs, after which the learning rate is 0.00004 of the first epoch's
USUAL_WIDTH = 512  # hidden units of the multilayer networks
MAX_REPAIRED = 0.9  # share of the training images, so that some are left to train on
LEVEL_DIGITS = 6  # decimal places of a corruption level
CLASS_COUNT = 10
ROW_TOLERANCE = 0.001  # error allowed in a row sum of a noise matrix: people round to three digits
LEVELS = tuple(step / 10 for step in range(11))  # the corruption levels of the paper's figures
DATA = ("embedded", "full")
TRAIN_IMAGES = {"embedded": 5_000, "full": 50_000}  # in the training set
TEST_IMAGES = {"embedded": 1_000, "full": 10_000}


def setting(
    default: Any,
    meaning: str,
    limits: tuple[float, float] | None = None,
    choices: Collection[str] = (),
    value_type: type | None = None,
    digits: int | None = None,
) -> Any:
    """A dataclass field of RunConfig: its default, its help text, and the values it accepts.

    limits: the smallest and largest number. value_type: needed where the default has another
    type. digits: decimal places to which a number is rounded, so that == compares two of them.
    """
    about = {
        "help": meaning,
        "limits": limits,
        "choices": choices,
        "value_type": value_type or type(default),
        "digits": digits,
    }
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class RunConfig:
    """All settings that determine what a run computes. Raises ConfigError for invalid ones.

    The default of a released field never changes. `run_id` hashes only the fields that differ
    from their defaults, so that a new field does not rename old runs.
    """

    model: str = setting(USUAL_NETWORK, "the network", choices=NETWORKS)
    data: str = setting("embedded", "5,000 embedded images, or all 50,000", choices=DATA)
    corruption: str = setting(
        "labels", "what to corrupt, the labels or the pixels", choices=CORRUPTIONS
    )
    level: float = setting(
        0.0, "share of the labels that are redrawn at random", (0, 1), digits=LEVEL_DIGITS
    )
    batch_size: int = setting(64, "images per training step", (1, 1024))
    epochs: int = setting(60, "passes over the training images", (1, MAX_EPOCHS))
    epochs_after_fitted: int = setting(
        0,
        "after `epochs`, continue until the training set has been fitted for this many epochs, "
        "up to `max_epochs` in total",
        (0, 100),
    )
    learning_rate: float = setting(  # never None after __post_init__
        None, "learning rate of the first epoch (default: the paper's)", (1e-6, 10), value_type=float
    )
    learning_rate_decay: float = setting(
        0.95, "factor on the learning rate after every epoch", (0.1, 1)
    )
    momentum: float = setting(0.9, "momentum of SGD", (0, 0.999))
    weight_decay: float = setting(0.0, "L2 penalty; the paper's runs have none", (0, 0.1))
    random_crop: bool = setting(False, "augmentation: crop 28 x 28 pixels at a random position")
    seed: int = setting(
        0, "seed of the corruption, the initial weights and the order of the images", (0, MAX_SEED)
    )
    noise: str = setting("uniform", "what a redrawn label becomes", choices=NOISES)
    noise_matrix: str = setting(
        "",
        "for noise own: probabilities of the redrawn label, as a CSV file with one row per true class, "
        'or as rows separated by ";"',
    )
    validation: float = setting(
        0.0,
        "share of the training images, with the labels given, held out for validation",
        (0, 0.5),
        digits=LEVEL_DIGITS,
    )
    fold: int = setting(0, "index of the part held out for validation, from 0", (0, 99))
    loss: str = setting("cross-entropy", "training loss", choices=LOSSES)
    mixup: float = setting(
        0.0, "mix pairs of images with weights from Beta(mixup, mixup); 0: no mixing", (0, 32)
    )
    repair: str = setting("none", "how the most suspicious labels are repaired", choices=REPAIRS)
    repaired: float = setting(
        0.0, "share of the training images that are repaired", (0, MAX_REPAIRED), digits=LEVEL_DIGITS
    )
    ranking: str = setting("loss", "how suspicious labels are ranked", choices=RANKINGS)
    width: int = setting(USUAL_WIDTH, "units of the hidden layer of mlp-1x512", (1, 4096))
    max_epochs: int = setting(
        LONGEST_UNTIL_FITTED,
        "with `epochs_after_fitted`: stop after this many epochs, fitted or not",
        (1, MAX_EPOCHS),
    )

    switch_after: int = setting(
        0,
        "with validation 0.5: after this many epochs, train on the held-out half instead, at the first "
        "learning rate; 0: never",
        (0, MAX_EPOCHS),
    )

    def __post_init__(self) -> None:
        if self.learning_rate is None and self.model in NETWORKS:
            self._set("learning_rate", NETWORKS[self.model].learning_rate)
        self._set("noise", FORMER_NOISES.get(self.noise, self.noise))
        for spec in fields(self):
            self._set(spec.name, _validated(spec, getattr(self, spec.name)))
        self._check_together()
        # A setting without effect gets its default, so that one run has one name.
        if self.level == 0:
            self._set("noise", "uniform")
            self._set("noise_matrix", "")
        if self.repair == "none":
            self._set("ranking", "loss")
        if not self.epochs_after_fitted:
            self._set("max_epochs", LONGEST_UNTIL_FITTED)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the class is frozen; called by __post_init__ alone

    def _check_together(self) -> None:
        """Raise ConfigError where two settings contradict each other."""
        if self.corruption != "labels" and self.level != 0:
            raise ConfigError(
                f"level applies only to corrupted labels: with corruption {self.corruption} it must be 0."
            )
        if self.corruption != "labels" and self.random_crop:
            raise ConfigError(
                f"random crop moves pixels that corruption {self.corruption} has already scrambled: "
                "choose one of the two."
            )
        if self.noise_matrix and self.noise != "own":
            raise ConfigError(
                f"noise matrix applies only to noise own: with noise {self.noise} leave it out."
            )
        if self.noise == "own":
            self._set("noise_matrix", format_matrix(parse_matrix(self.noise_matrix)))
        if self.fold and (self.fold + 1) * self.validation > 1 + 1e-9:
            raise ConfigError(
                f"fold is {self.fold}, but a validation share of {self.validation:g} has no such part: "
                "choose a smaller fold."
            )
        if self.fold and not self.validation:
            raise ConfigError("fold needs a validation share: set one, or leave the fold out.")
        if self.switch_after and self.validation != 0.5:
            raise ConfigError(
                "switch after needs a validation share of 0.5: set it, or leave this out."
            )
        if self.switch_after and (self.epochs <= self.switch_after or self.epochs_after_fitted):
            raise ConfigError(
                f"switch after is {self.switch_after}, but must be smaller than epochs "
                f"({self.epochs}), and epochs after fitted must be 0."
            )
        if self.width != USUAL_WIDTH and not NETWORKS[self.model].has_width:
            wide = ", ".join(name for name, network in NETWORKS.items() if network.has_width)
            raise ConfigError(f"width applies only to {wide}: with {self.model} leave it out.")
        if self.mixup and self.loss == "early-learning":
            raise ConfigError(
                "mixup cannot be combined with the early-learning loss, which keeps a target for each "
                "unmixed image: choose one of the two."
            )
        if self.repair != "none" and self.data != "embedded":
            raise ConfigError(
                "repair works on the embedded images, the only ones whose labels are ranked: "
                f"with data {self.data} leave it out."
            )
        if (self.repair == "none") != (self.repaired == 0):
            raise ConfigError("repair and repaired belong together: give both, or neither.")

    @cached_property
    def run_id(self) -> str:
        """The name of this run: twelve hexadecimal digits."""
        named = self.overrides()
        if NOISES[self.noise].former_name:  # renaming a noise must not rename its runs
            named["noise"] = NOISES[self.noise].former_name
        text = json.dumps(named, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def has_switched(self, epoch: int) -> bool:
        """Whether this epoch, from 1, trains on the held-out half."""
        return 0 < self.switch_after < epoch

    @property
    def train_images(self) -> int:
        """The number of training images, including those that are held out or dropped."""
        return TRAIN_IMAGES[self.data]

    def overrides(self) -> dict[str, Any]:
        """The fields that differ from the defaults; `RunConfig(**overrides)` is this config."""
        # The default learning rate depends on the model, which is compared with its own default.
        default = {**asdict(RunConfig(model=self.model)), "model": USUAL_NETWORK}
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    @classmethod
    def from_strings(cls, texts: dict[str, str]) -> "RunConfig":
        """Parse fields written as text, as in an address or a form. Raises ConfigError."""
        specs = {spec.name: spec for spec in fields(cls)}
        unknown = sorted(set(texts) - set(specs))
        if unknown:
            raise ConfigError(f"there is no setting {unknown[0]!r}; there are {', '.join(specs)}.")
        return cls(**{name: parse(specs[name], text) for name, text in texts.items()})


def in_words(name: str) -> str:
    """A field's name in a sentence: "learning rate" for `learning_rate`."""
    return name.replace("_", " ")


def parse(spec: Field, text: str) -> Any:
    """Parse the text of one RunConfig field; "False" is false. Raises ConfigError."""
    value_type = spec.metadata["value_type"]
    if value_type is str:
        return text
    if value_type is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{in_words(spec.name)} is {text!r}, but must be true or false.")
        return text.lower() == "true"
    try:
        return _number(text, value_type)
    except ValueError:
        raise ConfigError(
            f"{in_words(spec.name)} is {text!r}, but must be {_NUMBERS[value_type]}."
        ) from None


def _number(text: str, value_type: type) -> Any:
    """Parse a number as people type it. Raises ValueError.

    A float may have a decimal comma or a percent sign; an int may have commas between thousands.
    """
    bare = "".join(text.split())
    scale = 0.01 if bare.endswith("%") and value_type is float else 1
    bare = bare.removesuffix("%") if scale != 1 else bare
    if value_type is int and re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", bare):
        bare = bare.replace(",", "")
    if value_type is float and bare.count(",") == 1 and "." not in bare:
        bare = bare.replace(",", ".")
    number = value_type(bare)
    return number if scale == 1 else round(number * scale, 12)


_NUMBERS = {int: "a whole number", float: "a number"}


def _validated(spec: Field, value: Any) -> Any:
    name, value_type = in_words(spec.name), spec.metadata["value_type"]
    if spec.metadata["choices"]:
        if value not in spec.metadata["choices"]:
            raise ConfigError(
                f"{name} is {value!r}, but must be one of {', '.join(spec.metadata['choices'])}."
            )
        return value
    if value_type is str:
        if not isinstance(value, str):
            raise ConfigError(f"{name} is {value!r}, but must be a text.")
        return value
    if value_type is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{name} is {value!r}, but must be true or false.")
        return value
    low, high = spec.metadata["limits"]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # NaN fails the comparison as well.
    if not is_number or not low <= value <= high or value_type(value) != value:
        raise ConfigError(
            f"{name} is {value!r}, but must be {_NUMBERS[value_type]} from {low:g} to {high:g}."
        )
    digits = spec.metadata["digits"]
    return value_type(value) if digits is None else round(value_type(value), digits)


Matrix = tuple[tuple[float, ...], ...]  # (K, K): rows are true classes, columns given labels


def parse_matrix(text: str) -> Matrix:
    """Parse a row-stochastic matrix. Raises ConfigError.

    Rows are separated by semicolons or line breaks, numbers by blanks or commas.
    """
    lines = [line for line in re.split(r"[;\n]", text) if line.strip()]
    try:
        rows = [[float(number) for number in re.split(r"[\s,]+", line.strip())] for line in lines]
    except ValueError as error:
        raise ConfigError(f"the noise matrix has a cell that is not a number ({error}).") from None
    if len(rows) != CLASS_COUNT or any(len(row) != CLASS_COUNT for row in rows):
        raise ConfigError(
            f"the noise matrix must have {CLASS_COUNT} rows of {CLASS_COUNT} numbers, one per class."
        )
    for index, row in enumerate(rows, 1):
        if not all(0 <= number <= 1 for number in row):  # NaN fails as well
            raise ConfigError(f"row {index} of the noise matrix has a number that is not from 0 to 1.")
        if abs(sum(row) - 1) > ROW_TOLERANCE:
            raise ConfigError(
                f"row {index} of the noise matrix sums to {sum(row):g}, but must sum to 1."
            )
    return tuple(tuple(row) for row in rows)


def format_matrix(matrix: Matrix) -> str:
    """Format a noise matrix as the text that `RunConfig` stores; `parse_matrix` reads it."""
    return ";".join(" ".join(f"{number:.6g}" for number in row) for row in matrix)


def run_name(config: RunConfig) -> str:
    """A run in a few words, for the command line and for files: its network and its settings."""
    return f"{config.model}, {settings_of(config)}"


def settings_of(config: RunConfig) -> str:
    """The settings that distinguish the runs of one network, in a few words."""
    corruption = (
        f"level {100 * config.level:g}%" if config.corruption == "labels" else config.corruption
    )
    parts = [corruption, f"{config.train_images // 1000}k images", f"batch {config.batch_size}"]
    after = config.epochs_after_fitted
    parts.append(f"{config.epochs} epochs" + (f" or fitted + {after}" if after else ""))
    shown = {"model", "corruption", "level", "data", "batch_size", "epochs", "epochs_after_fitted"}
    hidden = {"noise_matrix"}  # a hundred numbers
    parts += [
        in_words(key) if value is True else f"{in_words(key)} {value}"
        for key, value in config.overrides().items()
        if key not in shown | hidden
    ]
    return ", ".join(parts)


@dataclass(frozen=True)
class Preset:
    """A run that visitors can start with one click."""

    key: str  # in addresses
    name: str
    config: RunConfig


PRESETS = (
    # The default. At this level and the paper's batch size the network visibly learns the
    # pattern for three epochs before it memorizes; with half random labels it memorizes at once.
    Preset("fifth", "A fifth random labels", RunConfig(level=0.2, batch_size=128, epochs=40)),
    Preset("half", "Half random labels", RunConfig(level=0.5, epochs=40)),
    Preset("truth", "True labels", RunConfig(level=0.0, epochs=40)),
    Preset("random", "Random labels", RunConfig(level=1.0, epochs=40)),
    Preset("deep", "Deeper network", RunConfig(model="mlp-3x512", level=0.5, epochs=40)),
    Preset("alexnet", "AlexNet", RunConfig(model="alexnet", level=0.5, epochs=45)),
    Preset("inception", "Inception", RunConfig(model="inception", level=0.5, epochs=50)),
    Preset(
        "paper",
        "As in the paper",
        RunConfig(data="full", level=0.5, batch_size=128, epochs=200),
    ),
)
