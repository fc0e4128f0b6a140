"""The form of a run: every field of RunConfig as a widget bound to the address."""

from collections.abc import Collection
from dataclasses import asdict, fields
from typing import Any

import streamlit as st

from core.config import CORRUPTIONS, MODELS, PAPER_LEARNING_RATE, PRESETS, RunConfig
from pages.shared.full_data import at_hand, choose_data

CORRUPTION_NAMES = {
    "labels": "Labels",
    "shuffled-pixels": "Shuffled pixels",
    "random-pixels": "Random pixels",
    "gaussian": "Gaussian noise",
}
FIELDS = {spec.name: spec for spec in fields(RunConfig)}


def default() -> RunConfig:
    """What the controls show that the address says nothing of: the lesson's values, in a room."""
    _, lesson = st.session_state.get("lesson", ("", None))
    return lesson.config if lesson is not None else PRESETS[0].config


def form_values(hidden: Collection[str] = ()) -> dict[str, Any]:
    """What the controls say at this moment, also within an action; the fields of a RunConfig.

    What an action was given when its button was drawn may be older than what was typed since.
    hidden: the controls of classroom.HIDEABLE that the visitor does not see.
    """
    values = asdict(default())
    for name in FIELDS:
        is_hidden = ("level" if name == "level" else "more") in hidden
        if not is_hidden and st.session_state.get(name) is not None:
            values[name] = st.session_state[name]
    return values


def config_of_form(hidden: Collection[str] = ()) -> RunConfig:
    """The run that the controls describe, on the images at hand. Raises ConfigError."""
    values = form_values(hidden)
    values["data"] = at_hand(values["data"])
    if values["corruption"] != "labels":
        values["level"] = 0.0
    return RunConfig(**values)


def level_slider() -> float:
    return st.slider(
        "Corruption level",
        0.0,
        1.0,
        default().level,
        0.05,
        format="percent",
        key="level",
        bind="query-params",
        help="Each label is drawn again from all ten classes with this probability p: nine tenths of "
        "them, 0.9 p of all labels, end up wrong.",
    )


def seed_input() -> int:
    return _number("seed", "Seed", 1)


def corruption_choice() -> str:
    return st.segmented_control(
        "What is corrupted",
        CORRUPTIONS,
        format_func=CORRUPTION_NAMES.__getitem__,
        default=default().corruption,
        required=True,
        wrap=True,
        key="corruption",
        bind="query-params",
    )


def preset_choice() -> None:
    """Choosing a preset sets the other widgets."""
    names = {preset.key: preset for preset in PRESETS}
    st.selectbox(
        "Preset",
        list(names),
        format_func=lambda key: names[key].name,
        key="preset",
        bind="query-params",
        on_change=lambda: set_all(names[st.session_state.preset].config),
    )


def more_settings() -> None:
    """What seldom needs a change; config_of_form reads them."""
    choose_data(default().data)
    model = st.selectbox(
        "Network",
        MODELS,
        MODELS.index(default().model),
        key="model",
        bind="query-params",
        on_change=_set_learning_rate,
    )
    corruption_choice()
    first, second = st.columns(2)
    with first:
        _number("epochs", "Epochs", 10)
        usual = default()
        rate = usual.learning_rate if usual.model == model else PAPER_LEARNING_RATE[model]
        _number("learning_rate", "Learning rate", 0.005, "%g", rate)
        _number("weight_decay", "Weight decay", 0.0001, "%g")
    with second:
        _number("batch_size", "Batch size", 32)
        _number("learning_rate_decay", "Decay per epoch", 0.01, "%g")
        seed_input()
    st.toggle(
        "Random crop (augmentation)", default().random_crop, key="random_crop", bind="query-params"
    )


def _number(
    name: str,
    label: str,
    step: float,
    number_format: str | None = None,
    usual: float | None = None,
) -> Any:
    """A number with the limits that RunConfig itself sets."""
    about = FIELDS[name].metadata
    low, high = (about["value_type"](bound) for bound in about["limits"])
    value = getattr(default(), name) if usual is None else usual
    return st.number_input(
        label,
        low,
        high,
        value,
        step,
        format=number_format,
        key=name,
        bind="query-params",
        help=about["help"].capitalize() + ".",
    )


def set_all(config: RunConfig) -> None:
    for name in FIELDS:
        if name not in ("momentum", "epochs_after_fitted"):  # only for the command line
            st.session_state[name] = getattr(config, name)


def _set_learning_rate() -> None:
    st.session_state.learning_rate = PAPER_LEARNING_RATE[st.session_state.model]
