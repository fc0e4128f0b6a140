"""RunConfig: one frozen, validated description of a run, and the presets.

A run is named by its RunConfig alone: the same settings are the same run, for
every visitor, on every page, in the store and in the precomputed sweep.
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
LONGEST_UNTIL_FITTED = 200  # epochs: the learning rate is then 0.00004 of the first epoch's
USUAL_WIDTH = 512  # of the multilayer networks, in hidden units
MAX_REPAIRED = 0.9  # of the training images: some are left to train on
LEVEL_DIGITS = 6  # of a corruption level, after the point
CLASS_COUNT = 10
ROW_TOLERANCE = 0.001  # of the sum of a noise matrix's row: people round to three digits
LEVELS = tuple(step / 10 for step in range(11))  # of the paper's figures
DATA = ("embedded", "full")
TRAIN_IMAGES = {"embedded": 5_000, "full": 50_000}  # images per epoch
TEST_IMAGES = {"embedded": 1_000, "full": 10_000}


def setting(
    default: Any,
    meaning: str,
    limits: tuple[float, float] | None = None,
    choices: Collection[str] = (),
    value_type: type | None = None,
    digits: int | None = None,
) -> Any:
    """A field of RunConfig: its default, what it means, and the values that it may have.

    limits: the least and the greatest number; value_type: where the default has another type;
    digits: a number is rounded to so many after the point, so that two can be compared with ==.
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
    """Everything that decides what a run computes. Raises ConfigError, in one sentence.

    A field's default never changes once released: `run_id` hashes only what differs
    from the defaults, so that a field added later leaves the names of old runs alone.
    """

    model: str = setting(USUAL_NETWORK, "the network", choices=NETWORKS)
    data: str = setting("embedded", "5,000 embedded images, or all 50,000", choices=DATA)
    corruption: str = setting(
        "labels", "what is corrupted: the labels, or the pixels", choices=CORRUPTIONS
    )
    level: float = setting(
        0.0, "share of the labels that is drawn again at random", (0, 1), digits=LEVEL_DIGITS
    )
    batch_size: int = setting(64, "images per training step", (1, 1024))
    epochs: int = setting(60, "passes over the training images", (1, MAX_EPOCHS))
    epochs_after_fitted: int = setting(
        0,
        "continue beyond `epochs` until the training set has been fitted for this many, "
        "up to `max_epochs` in all",
        (0, 100),
    )
    learning_rate: float = setting(  # never None once the config is made
        None, "step size of the first epoch; the paper's if left out", (1e-6, 10), value_type=float
    )
    learning_rate_decay: float = setting(
        0.95, "the learning rate is multiplied by this every epoch", (0.1, 1)
    )
    momentum: float = setting(0.9, "momentum of SGD", (0, 0.999))
    weight_decay: float = setting(0.0, "L2 penalty; the paper's runs have none", (0, 0.1))
    random_crop: bool = setting(False, "augment: crop 28 x 28 pixels at a random place")
    seed: int = setting(0, "fixes the corruption, the first weights and the order", (0, MAX_SEED))
    noise: str = setting("uniform", "what a label that is drawn again becomes", choices=NOISES)
    noise_matrix: str = setting(
        "", "of noise own: a CSV file with a row for each true class; or its rows, divided by ;"
    )
    validation: float = setting(
        0.0,
        "share of the training images that is held out with the labels given, never trained on",
        (0, 0.5),
        digits=LEVEL_DIGITS,
    )
    fold: int = setting(0, "which part of the training images is held out, from 0", (0, 99))
    loss: str = setting("cross-entropy", "what the training makes small", choices=LOSSES)
    mixup: float = setting(0.0, "mixes pairs of images by Beta(mixup, mixup); 0: no pairs", (0, 32))
    repair: str = setting("none", "what is done with the most suspicious labels", choices=REPAIRS)
    repaired: float = setting(
        0.0, "share of the training images that is repaired", (0, MAX_REPAIRED), digits=LEVEL_DIGITS
    )
    ranking: str = setting("loss", "by what a label is suspicious", choices=RANKINGS)
    width: int = setting(USUAL_WIDTH, "units of the hidden layer of mlp-1x512", (1, 4096))
    max_epochs: int = setting(
        LONGEST_UNTIL_FITTED,
        "with `epochs_after_fitted`: stop after this many epochs, fitted or not",
        (1, MAX_EPOCHS),
    )

    def __post_init__(self) -> None:
        if self.learning_rate is None and self.model in NETWORKS:
            self._set("learning_rate", NETWORKS[self.model].learning_rate)
        self._set("noise", FORMER_NOISES.get(self.noise, self.noise))
        for spec in fields(self):
            self._set(spec.name, _validated(spec, getattr(self, spec.name)))
        self._check_together()
        # What has no effect has its default: the same run has one name.
        if self.level == 0:
            self._set("noise", "uniform")
            self._set("noise_matrix", "")
        if self.repair == "none":
            self._set("ranking", "loss")
        if not self.epochs_after_fitted:
            self._set("max_epochs", LONGEST_UNTIL_FITTED)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # only while it is made: it is frozen

    def _check_together(self) -> None:
        """Raises ConfigError where two settings contradict each other."""
        if self.corruption != "labels" and self.level != 0:
            raise ConfigError(
                f"level belongs to corrupted labels: with corruption {self.corruption} it must be 0."
            )
        if self.corruption != "labels" and self.random_crop:
            raise ConfigError(
                f"random crop moves pixels that corruption {self.corruption} has already scrambled: "
                "choose one of the two."
            )
        if self.noise_matrix and self.noise != "own":
            raise ConfigError(
                f"noise matrix belongs to noise own: with noise {self.noise} leave it out."
            )
        if self.noise == "own":
            self._set("noise_matrix", format_matrix(parse_matrix(self.noise_matrix)))
        if self.fold and (self.fold + 1) * self.validation > 1 + 1e-9:
            raise ConfigError(
                f"fold is {self.fold}, but a validation share of {self.validation:g} has no such part."
            )
        if self.fold and not self.validation:
            raise ConfigError("fold belongs to a validation share: give one, or leave the fold out.")
        if self.width != USUAL_WIDTH and not NETWORKS[self.model].has_width:
            wide = ", ".join(name for name, network in NETWORKS.items() if network.has_width)
            raise ConfigError(f"width belongs to {wide}: with {self.model} leave it out.")
        if self.mixup and self.loss == "early-learning":
            raise ConfigError(
                "mixup mixes the images whose targets the early-learning loss keeps: choose one of the two."
            )
        if self.repair != "none" and self.data != "embedded":
            raise ConfigError(
                f"repair belongs to the embedded images, of which all are ranked: with data {self.data} leave it out."
            )
        if (self.repair == "none") != (self.repaired == 0):
            raise ConfigError("repair and repaired belong together: give both, or neither.")

    @cached_property
    def run_id(self) -> str:
        """Twelve hexadecimal digits that name this run."""
        named = self.overrides()
        if NOISES[self.noise].former_name:  # a run keeps its name where a noise got another one
            named["noise"] = NOISES[self.noise].former_name
        text = json.dumps(named, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def train_images(self) -> int:
        """How many training images there are, those included that are held out or dropped."""
        return TRAIN_IMAGES[self.data]

    def overrides(self) -> dict[str, Any]:
        """The fields that differ from the defaults; `RunConfig(**overrides)` is this config."""
        # The default learning rate depends on the model, which is compared with its own default.
        default = {**asdict(RunConfig(model=self.model)), "model": USUAL_NETWORK}
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    @classmethod
    def from_strings(cls, texts: dict[str, str]) -> "RunConfig":
        """Read fields written as text (an address, a form). Raises ConfigError."""
        specs = {spec.name: spec for spec in fields(cls)}
        unknown = sorted(set(texts) - set(specs))
        if unknown:
            raise ConfigError(f"there is no setting {unknown[0]!r}; there are {', '.join(specs)}.")
        return cls(**{name: parse(specs[name], text) for name, text in texts.items()})


def in_words(name: str) -> str:
    """A field's name in a sentence; forms, addresses and the command line each spell it their own way."""
    return name.replace("_", " ")


def parse(spec: Field, text: str) -> Any:
    """One RunConfig field from its text; "False" is false. Raises ConfigError."""
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
    """A number as people type it: 0,05 and 5% are 0.05, 50,000 is 50000. Raises ValueError."""
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
    # NaN fails the comparison, too.
    if not is_number or not low <= value <= high or value_type(value) != value:
        raise ConfigError(
            f"{name} is {value!r}, but must be {_NUMBERS[value_type]} from {low:g} to {high:g}."
        )
    digits = spec.metadata["digits"]
    return value_type(value) if digits is None else round(value_type(value), digits)


Matrix = tuple[tuple[float, ...], ...]  # (K, K): rows are true classes, columns given labels


def parse_matrix(text: str) -> Matrix:
    """A row-stochastic matrix from its text: rows divided by ; or line, numbers by blank or comma.

    Raises ConfigError.
    """
    lines = [line for line in re.split(r"[;\n]", text) if line.strip()]
    try:
        rows = [[float(number) for number in re.split(r"[\s,]+", line.strip())] for line in lines]
    except ValueError as error:
        raise ConfigError(f"the noise matrix has a cell that is no number ({error}).") from None
    if len(rows) != CLASS_COUNT or any(len(row) != CLASS_COUNT for row in rows):
        raise ConfigError(
            f"the noise matrix must have {CLASS_COUNT} rows of {CLASS_COUNT} numbers, one for each class."
        )
    for place, row in enumerate(rows, 1):
        if not all(0 <= number <= 1 for number in row):  # NaN fails, too
            raise ConfigError(f"row {place} of the noise matrix has a number that is not from 0 to 1.")
        if abs(sum(row) - 1) > ROW_TOLERANCE:
            raise ConfigError(
                f"row {place} of the noise matrix has the sum {sum(row):g}, but must have 1."
            )
    return tuple(tuple(row) for row in rows)


def format_matrix(matrix: Matrix) -> str:
    """The text by which a run is named; `parse_matrix` reads it."""
    return ";".join(" ".join(f"{number:.6g}" for number in row) for row in matrix)


def run_name(config: RunConfig) -> str:
    """A run in a few words, for the command line and for files: what differs between runs."""
    return f"{config.model}, {settings_of(config)}"


def settings_of(config: RunConfig) -> str:
    """All that differs between the runs of a network, in a few words."""
    what = f"level {100 * config.level:g}%" if config.corruption == "labels" else config.corruption
    parts = [what, f"{config.train_images // 1000}k images", f"batch {config.batch_size}"]
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
    """A run worth starting with one click."""

    key: str  # in addresses
    name: str
    config: RunConfig


PRESETS = (
    # The default. At this level and the paper's batch size the network is seen to find the
    # pattern for three epochs before it memorizes; at half random labels it memorizes at once.
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
