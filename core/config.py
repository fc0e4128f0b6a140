"""RunConfig: one frozen, validated description of a run, and the presets.

A run is named by its RunConfig alone: the same settings are the same run, for
every visitor, on every page, in the store and in the precomputed sweep.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.errors import ConfigError

MOST_EPOCHS = 200  # of a run that waits to be fitted: its learning rate is 0.00004 of the first
MODELS = ("mlp-1x512", "mlp-3x512", "alexnet", "inception", "inception-no-bn")
CORRUPTIONS = ("labels", "shuffled-pixels", "random-pixels", "gaussian")
DATA = ("embedded", "full")
TRAIN_IMAGES = {"embedded": 5_000, "full": 50_000}  # images per epoch
PAPER_LEARNING_RATE = {  # Zhang et al. 2017, appendix A
    "mlp-1x512": 0.01,
    "mlp-3x512": 0.01,
    "alexnet": 0.01,
    "inception": 0.1,
    "inception-no-bn": 0.1,
}


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes. Raises ConfigError, in one sentence.

    A field's default never changes once released: `run_id` hashes only what differs
    from the defaults, so that a field added later leaves the names of old runs alone.
    """

    model: str = field(default="mlp-1x512", metadata={"help": "the network", "choices": MODELS})
    data: str = field(
        default="embedded",
        metadata={"help": "5,000 embedded images, or all 50,000", "choices": DATA},
    )
    corruption: str = field(
        default="labels",
        metadata={"help": "what is corrupted: the labels, or the pixels", "choices": CORRUPTIONS},
    )
    level: float = field(
        default=0.0,
        metadata={"help": "share of the labels that is drawn again at random", "range": (0, 1)},
    )
    batch_size: int = field(
        default=64, metadata={"help": "images per training step", "range": (1, 1024)}
    )
    epochs: int = field(
        default=60, metadata={"help": "passes over the training images", "range": (1, 1000)}
    )
    epochs_after_fitted: int = field(
        default=0,
        metadata={
            "help": "go on beyond `epochs` until the training set has been fitted for this many, "
            f"up to {MOST_EPOCHS} in all",
            "range": (0, 100),
        },
    )
    learning_rate: float = field(
        default=math.nan,  # replaced by the paper's value for the model
        metadata={"help": "step size of the first epoch; the paper's if left out", "range": (1e-6, 10)},
    )
    learning_rate_decay: float = field(
        default=0.95,
        metadata={"help": "the learning rate is multiplied by this every epoch", "range": (0.1, 1)},
    )
    momentum: float = field(default=0.9, metadata={"help": "of SGD", "range": (0, 0.999)})
    weight_decay: float = field(
        default=0.0, metadata={"help": "L2 penalty; the paper's runs have none", "range": (0, 0.1)}
    )
    random_crop: bool = field(
        default=False, metadata={"help": "augment: crop 28 x 28 pixels at a random place"}
    )
    seed: int = field(
        default=0,
        metadata={"help": "fixes the corruption, the first weights and the order", "range": (0, 9999)},
    )

    def __post_init__(self):
        if self.model in PAPER_LEARNING_RATE and _is_nan(self.learning_rate):
            object.__setattr__(self, "learning_rate", PAPER_LEARNING_RATE[self.model])
        for spec in fields(self):
            object.__setattr__(self, spec.name, _validated(spec, getattr(self, spec.name)))
        if self.corruption != "labels" and self.level != 0:
            raise ConfigError(
                f"level belongs to corrupted labels: with corruption {self.corruption} it must be 0."
            )
        if self.corruption != "labels" and self.random_crop:
            raise ConfigError(
                f"random_crop moves pixels that corruption {self.corruption} has already scrambled: "
                "choose one of the two."
            )

    @property
    def run_id(self) -> str:
        """Twelve hexadecimal digits that name this run."""
        text = json.dumps(self.settings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def train_images(self) -> int:
        return TRAIN_IMAGES[self.data]

    def settings(self) -> dict[str, Any]:
        """The fields that differ from the defaults; `RunConfig(**settings)` is this config."""
        default = RunConfig(model=self.model)
        return {
            name: value
            for name, value in asdict(self).items()
            if value != getattr(default, name) or (name == "model" and value != MODELS[0])
        }

    @classmethod
    def from_strings(cls, settings: dict[str, str]) -> "RunConfig":
        """Read fields written as text (an address, a form). Raises ConfigError."""
        specs = {spec.name: spec for spec in fields(cls)}
        unknown = sorted(set(settings) - set(specs))
        if unknown:
            raise ConfigError(f"there is no setting {unknown[0]!r}; there are {', '.join(specs)}.")
        return cls(**{name: parse(specs[name], text) for name, text in settings.items()})


def parse(spec, text: str):
    """One RunConfig field from its text; "False" is false. Raises ConfigError."""
    if spec.type is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{spec.name} is {text!r}, but must be true or false.")
        return text.lower() == "true"
    try:
        return spec.type(text)
    except ValueError:
        kind = "a whole number" if spec.type is int else "a number"
        raise ConfigError(f"{spec.name} is {text!r}, but must be {kind}.") from None


def _is_nan(value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _validated(spec, value):
    name, wanted = spec.name, spec.type
    if "choices" in spec.metadata:
        if value not in spec.metadata["choices"]:
            raise ConfigError(
                f"{name} is {value!r}, but must be one of {', '.join(spec.metadata['choices'])}."
            )
        return value
    if wanted is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{name} is {value!r}, but must be true or false.")
        return value
    low, high = spec.metadata["range"]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # NaN fails the comparison, too.
    if not number or not low <= value <= high or wanted(value) != value:
        kind = "a whole number" if wanted is int else "a number"
        raise ConfigError(f"{name} is {value!r}, but must be {kind} from {low:g} to {high:g}.")
    return wanted(value)


def run_name(config: RunConfig) -> str:
    """A run in a few words, for tables and legends: what differs between runs."""
    what = f"level {100 * config.level:g}%" if config.corruption == "labels" else config.corruption
    parts = [config.model, what, f"{config.train_images // 1000}k images", f"batch {config.batch_size}"]
    after = config.epochs_after_fitted
    parts.append(f"{config.epochs} epochs" + (f" or fitted + {after}" if after else ""))
    shown = ("model", "corruption", "level", "data", "batch_size", "epochs", "epochs_after_fitted")
    parts += [f"{key} {value}" for key, value in config.settings().items() if key not in shown]
    return ", ".join(parts)


@dataclass(frozen=True)
class Preset:
    """A run worth starting with one click."""

    key: str  # in addresses
    name: str
    config: RunConfig


PRESETS = (  # the first is the default
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
