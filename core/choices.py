"""The choices of a run: an entry for each network, loss, noise, corruption and defence.

An entry holds its name in addresses, files and on the command line, its words on pages, its
color, and its builder as "module:function", so that naming a network does not import torch.
To add a choice, add an entry here and the function that it names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Protocol, TypeVar


class Named(Protocol):
    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


def by_name(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Map the name of each entry to the entry."""
    return {entry.name: entry for entry in entries}


def words_of(entries: Mapping[str, Any]) -> dict[str, str]:
    """Map the name of each entry to its words on pages."""
    return {name: entry.words for name, entry in entries.items()}


@dataclass(frozen=True)
class Network:
    """A network: (B, 3, 28, 28) standardized images to (B, K) logits."""

    name: str
    words: str  # the part before the comma is the short name
    builder: str  # called with `arguments`; returns a torch.nn.Sequential
    learning_rate: float  # of the first epoch
    weights: int  # parameters in all, at the usual width
    colour: str
    mark: str  # a shape, as Vega names it
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_flat: bool = False  # flattens each image into one vector first
    has_width: bool = False  # takes the argument `width`, its number of hidden units

    @property
    def short(self) -> str:
        """The short name for pages."""
        return self.words.partition(",")[0]

    def build(self, **arguments: Any) -> Any:
        """Return a network with fresh weights from torch's global generator."""
        return resolve_name(self.builder)(**self.arguments, **arguments)


MODELS = "core.training.models"
# Learning rates of the paper's five networks: Zhang et al. 2017, appendix A.
NETWORKS = by_name(
    (
        Network(
            "mlp-1x512",
            "small network, 1 hidden layer",
            f"{MODELS}:mlp",
            learning_rate=0.01,
            weights=1_209_866,
            colour="#0072B2",
            mark="circle",
            arguments={"hidden_layers": 1},
            is_flat=True,
            has_width=True,
        ),
        Network(
            "mlp-3x512",
            "deeper network, 3 hidden layers",
            f"{MODELS}:mlp",
            learning_rate=0.01,
            weights=1_735_178,
            colour="#008560",
            mark="square",
            arguments={"hidden_layers": 3},
            is_flat=True,
        ),
        Network(
            "alexnet",
            "AlexNet, convolutional",
            f"{MODELS}:alexnet",
            learning_rate=0.01,
            weights=1_387_786,
            colour="#C25400",
            mark="triangle-up",
        ),
        Network(
            "inception",
            "Inception, convolutional",
            f"{MODELS}:inception",
            learning_rate=0.1,
            weights=1_649_402,
            colour="#B0588A",
            mark="diamond",
            arguments={"batch_norm": True},
        ),
        Network(
            "inception-no-bn",
            "Inception without batch norm",
            f"{MODELS}:inception",
            learning_rate=0.1,
            weights=1_649_402,
            colour="#6F757E",
            mark="cross",
            arguments={"batch_norm": False},
        ),
        Network(  # from the code that the student's poster cites, with its learning rate
            "inception-7x7",
            "Inception 7x7, last map kept",
            f"{MODELS}:inception_7x7",
            learning_rate=0.1,
            weights=1_814_106,
            colour="#7A5AC8",
            mark="triangle-down",
        ),
    )
)
USUAL_NETWORK = "mlp-1x512"


@dataclass(frozen=True)
class Loss:
    """A training loss: maps logits (B, K), labels (B,) and image indices (B,) to the batch mean."""

    name: str
    words: str
    builder: str  # returns a torch.nn.Module
    remembers_images: bool = False  # then the builder takes the arguments `images` and `classes`

    def build(self, images: int, classes: int) -> Any:
        """Return the loss as a module. images: N, the number of training images; classes: K."""
        arguments = {"images": images, "classes": classes} if self.remembers_images else {}
        return resolve_name(self.builder)(**arguments)


LOSSES = by_name(
    (
        Loss("cross-entropy", "cross-entropy, the usual one", "core.training.losses:CrossEntropy"),
        Loss("label-smoothing", "label smoothing", "core.training.losses:LabelSmoothing"),
        Loss(
            "generalized", "generalized cross-entropy", "core.training.losses:GeneralizedCrossEntropy"
        ),
        Loss(
            "early-learning",
            "early-learning regularization",
            "core.training.losses:EarlyLearning",
            remembers_images=True,
        ),
    )
)


@dataclass(frozen=True)
class Noise:
    """A kind of label noise: what a redrawn label becomes."""

    name: str
    words: str
    builder: str = ""  # called with `arguments`; returns a mixing matrix (K, K). Empty: the run's own
    arguments: Mapping[str, Any] = field(default_factory=dict)
    human_column: str = ""  # in CIFAR-10N's file: each image has its own redrawn label
    former_name: str = ""  # still valid in addresses and files; run ids keep it
    former_words: str = ""  # still valid in addresses

    def mixing(self) -> Any:
        """Return the mixing matrix, (K, K)."""
        return resolve_name(self.builder)(**self.arguments)


NOISES = by_name(
    (
        Noise("uniform", "random labels", "core.data.noise:uniform_mixing"),
        Noise("pair", "labels of the next class", "core.data.noise:pair_mixing"),
        Noise("confusable", "labels of a look-alike", "core.data.noise:confusable_mixing"),
        Noise(
            "cifar10n-aggregate-matrix",
            "labels that people confuse, by majority",
            "core.data.noise:human_mixing",
            {"column": "aggre_label"},
            former_name="human-aggregate",
            former_words="labels by people, by majority",
        ),
        Noise(
            "cifar10n-worst-matrix",
            "labels that people confuse, the worst of three",
            "core.data.noise:human_mixing",
            {"column": "worse_label"},
            former_name="human-worst",
            former_words="labels by people, the worst of three",
        ),
        Noise("own", "labels from your own matrix", former_words="labels by a matrix of one's own"),
        Noise(
            "cifar10n-aggregate-labels",
            "human labels of each image, by majority",
            "core.data.noise:human_mixing",
            {"column": "aggre_label"},
            human_column="aggre_label",
            former_name="people-aggregate",
            former_words="what people called the very image, by majority",
        ),
        Noise(
            "cifar10n-random-labels",
            "human labels of each image, by one person",
            "core.data.noise:human_mixing",
            {"column": "random_label1"},
            human_column="random_label1",
            former_name="people-random",
            former_words="what one person called the very image",
        ),
        Noise(
            "cifar10n-worst-labels",
            "human labels of each image, the worst of three",
            "core.data.noise:human_mixing",
            {"column": "worse_label"},
            human_column="worse_label",
            former_name="people-worst",
            former_words="what people called the very image, the worst of three",
        ),
    )
)
FORMER_NOISES = {  # names and words in old addresses and files, to today's names
    former: noise.name
    for noise in NOISES.values()
    for former in (noise.former_name, noise.former_words)
    if former
}


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption: of the labels, or of the pixels of every image."""

    name: str
    words: str
    explanation: str = ""  # a sentence about what happens to the pixels
    builder: str = ""  # see core.data.corruption.corrupt_pixels. Empty: pixels are left as they are
    colour: str = ""


CORRUPTIONS = by_name(
    (
        Corruption("labels", "Labels"),
        Corruption(
            "shuffled-pixels",
            "Shuffled pixels",
            "The pixels of every image are reordered, all in the same way.",
            "core.data.corruption:shuffled_pixels",
            "#0072B2",
        ),
        Corruption(
            "random-pixels",
            "Random pixels",
            "The pixels of every image are reordered, each image in its own way.",
            "core.data.corruption:random_pixels",
            "#CC79A7",
        ),
        Corruption(
            "gaussian",
            "Gaussian noise",
            "Every image is replaced by noise with the mean and spread of the data.",
            "core.data.corruption:gaussian_noise",
            "#999933",
        ),
    )
)


@dataclass(frozen=True)
class Defence:
    """A loss or regularizer against memorizing wrong labels, as the page Defend compares them."""

    name: str
    words: str
    settings: Mapping[str, Any]  # fields of RunConfig
    colour: str
    explanation: str = ""  # a sentence for experts, with its source


DEFENCES = by_name(
    (
        Defence("none", "No defence", {}, "#6F757E"),
        Defence(
            "label-smoothing",
            "Label smoothing",
            {"loss": "label-smoothing"},
            "#946600",
            "Label smoothing asks for 0.91 of the given label and 0.01 of each other class (Szegedy et al. 2016).",
        ),
        Defence(
            "generalized",
            "Generalized cross-entropy",
            {"loss": "generalized"},
            "#0072B2",
            "Generalized cross-entropy gives less weight to labels that the network finds unlikely "
            "(Zhang and Sabuncu 2018).",
        ),
        Defence(
            "early-learning",
            "Early-learning regularization",
            {"loss": "early-learning"},
            "#B0588A",
            "Early-learning regularization pulls predictions toward the network's earlier ones "
            "(Liu et al. 2020).",
        ),
        Defence(
            "mixup",
            "Mixup",
            {"mixup": 1.0},  # uniform weights, as Zhang et al. 2018 use them on CIFAR-10
            "#008560",
            "Mixup trains on mixtures of two photographs (Zhang et al. 2018).",
        ),
        Defence(
            "weight-decay",
            "Weight decay",
            {"weight_decay": 0.0005},  # the paper says "default" and prints no number
            "#C25400",
            "Weight decay keeps weights small.",
        ),
        Defence(
            "random-crop",
            "Random crop",
            {"random_crop": True},
            "#7A5AC8",
            "Random crops show each photograph slightly shifted every time.",
        ),
    )
)
REPAIRS = {"none": "left as they are", "drop": "dropped", "relabel": "relabeled by the network"}
RANKINGS = {  # how suspicious labels are ranked
    "kernel": "kernel fit without it",
    "forgetting": "forgetting",
    "loss": "loss when it was time to stop",
    "margin": "area under the margin",
    "confident": "confident learning",
}
