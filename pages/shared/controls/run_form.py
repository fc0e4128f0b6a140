"""The form of a run: widgets for the fields of RunConfig, bound to the address."""

import zlib
from collections.abc import Collection
from dataclasses import asdict, fields, replace
from typing import Any

import pandas as pd
import streamlit as st

from core.choices import CORRUPTIONS, LOSSES, NETWORKS, NOISES, words_of
from core.config import PRESETS, RunConfig, format_matrix, parse, parse_matrix
from core.data.cifar10 import CLASSES
from core.data.noise import named_mixing
from core.data.people import has_people
from core.errors import ConfigError
from core.live.runs.store import LiveRun
from core.view.words import capitalized, number_text, without_links
from pages.shared.controls.choosing import at_first
from pages.shared.controls.full_data import IMAGES, available, choose_data
from pages.shared.frame.session import session
from pages.shared.server import resources

LEVEL_EXPLAINED = (
    "With this probability p, each label is picked at random from all ten classes. Nine tenths of the picked "
    "labels are wrong: 0.9 p of all labels."
)
OTHER_LEVEL_EXPLAINED = (
    "Each label is redrawn with this probability p. “Kind of wrong labels”, under More, says what it "
    "becomes."
)
FIRST_MATRIX = format_matrix(tuple(map(tuple, named_mixing("confusable").tolist())))
# Only for the command line, or set by the page that finds and repairs wrong labels.
NOT_IN_FORM = (
    *("momentum", "epochs_after_fitted", "max_epochs", "fold", "switch_after"),
    *("repair", "repaired", "ranking"),
)
FIELDS = {spec.name: spec for spec in fields(RunConfig)}


def default() -> RunConfig:
    """Return the run that the controls show by default; in a room, the lesson's."""
    lesson = session().lesson
    return lesson.config if lesson is not None else resources.offered(PRESETS[0].config)


def form_values(hidden: Collection[str] = ()) -> dict[str, Any]:
    """Return the current values of the controls, by field of RunConfig.

    An action calls this, because values passed to it when its button was drawn may be out of date.
    hidden: the controls of classroom.HIDEABLE that the visitor does not see.
    Raises ConfigError for text that is not a number.
    """
    values = asdict(default())
    for name, spec in FIELDS.items():
        is_hidden = ("level" if name == "level" else "more") in hidden
        typed = st.session_state.get(name)
        if not is_hidden and typed is not None:
            values[name] = parse(spec, typed) if isinstance(typed, str) else typed
    return values


def config_of_form(hidden: Collection[str] = ()) -> RunConfig:
    """Return the run that the controls describe, on the available images. Raises ConfigError."""
    values = form_values(hidden)
    values["data"] = available(values["data"])
    if values["corruption"] != "labels":
        values["level"] = 0.0
    if not NETWORKS[values["model"]].has_width:
        values["width"] = RunConfig().width
    if values["noise"] != "own":
        values["noise_matrix"] = ""
    elif not values["noise_matrix"]:
        values["noise_matrix"] = FIRST_MATRIX
    return RunConfig(**values)


def own_matrix(is_open: bool) -> None:
    """Show the visitor's own noise matrix as a table, if that kind of noise is chosen.

    is_open: whether the table of a hundred numbers is open at first.
    """
    if st.session_state.get("noise", default().noise) != "own":
        return
    if "noise_matrix" not in st.session_state:
        st.session_state.noise_matrix = st.query_params.get("noise_matrix", FIRST_MATRIX)
    # Make a new table if the matrix was set elsewhere: by a link, a run or a lesson.
    begun, edited = session().matrix_table_of
    if st.session_state.noise_matrix != edited:
        begun = st.session_state.noise_matrix
    try:
        rows = parse_matrix(begun)
    except ConfigError as error:
        sentence = f"This matrix cannot be used: {error} The matrix of look-alikes is shown instead."
        st.error(without_links(sentence))
        rows = parse_matrix(FIRST_MATRIX)
    table = pd.DataFrame(rows, index=list(CLASSES), columns=list(CLASSES))
    with st.expander("Your own noise", expanded=is_open):
        st.caption(
            "The probability of each new label (columns) for each true class (rows), if the label is redrawn. "
            "Every row must add up to 1."
        )
        shown = st.data_editor(table, key=f"matrix-{zlib.crc32(begun.encode()):x}")
    text = format_matrix(tuple(map(tuple, shown.to_numpy(dtype=float).tolist())))
    session().matrix_table_of = (begun, text)
    if text != st.session_state.noise_matrix:
        st.session_state.noise_matrix = st.query_params["noise_matrix"] = text
        st.rerun()


def offered_noises() -> dict[str, str]:
    """Return the kinds of noise on offer: human labels only if their file is here or one is chosen."""
    chosen = st.session_state.get("noise")
    return {
        name: noise.words
        for name, noise in NOISES.items()
        if not noise.human_column or name == chosen or has_people()
    }


def level_slider() -> float:
    """Show the slider of the corruption level and return its value."""
    noise = st.session_state.get("noise") or default().noise
    return st.slider(
        "Corruption level",
        0.0,
        1.0,
        default().level,
        0.05,
        format="percent",
        key="level",
        bind="query-params",
        disabled=st.session_state.get("corruption", default().corruption) != "labels",
        help=LEVEL_EXPLAINED if noise == "uniform" else OTHER_LEVEL_EXPLAINED,
    )


def corruption_choice() -> str:
    """Show the choice of what is corrupted and return its key."""
    return st.segmented_control(
        "What is corrupted",
        list(CORRUPTIONS),
        format_func=words_of(CORRUPTIONS).__getitem__,
        default=at_first("corruption", CORRUPTIONS, default().corruption),
        required=True,
        wrap=True,
        key="corruption",
        bind="query-params",
    )


def preset_choice(hidden: Collection[str] = ()) -> None:
    """Show the choice of a preset, which sets the other widgets, or shows the preset that they match.

    Draw it after the other widgets.
    """
    presets = {preset.key: preset for preset in PRESETS}
    configs = {key: resources.offered(preset.config) for key, preset in presets.items()}

    def set_to_chosen() -> None:
        if st.session_state.preset is not None:
            set_all(configs[st.session_state.preset])

    try:
        asked = config_of_form(hidden)
    except ConfigError:
        asked = None
    at_once = {key: replace(config, data=available(config.data)) for key, config in configs.items()}
    st.session_state.preset = next((key for key, config in at_once.items() if config == asked), None)
    st.selectbox(
        "Preset",
        list(presets),
        index=None,
        format_func=lambda key: presets[key].name,
        key="preset",
        on_change=set_to_chosen,
        placeholder="Your own settings",
    )


def network_choice() -> None:
    """Show the choice of the network."""
    st.selectbox(
        "Network",
        list(NETWORKS),
        list(NETWORKS).index(at_first("model", NETWORKS, default().model)),
        format_func=words_of(NETWORKS).__getitem__,
        key="model",
        bind="query-params",
        on_change=_set_learning_rate,
        width=260,
    )


def more_settings() -> None:
    """Show the settings that seldom need a change; `config_of_form` reads them."""
    choose_data(at_first("data", IMAGES, default().data))
    if corruption_choice() == "labels":
        _words("noise", "Kind of wrong labels", offered_noises())
    model = st.session_state.get("model", default().model)
    first, second = st.columns(2)
    with first:
        _number("epochs", "Epochs")
        usual = default()
        rate = usual.learning_rate if usual.model == model else NETWORKS[model].learning_rate
        _number("learning_rate", "Learning rate", rate)
        _number("weight_decay", "Weight decay")
    with second:
        _number("batch_size", "Batch size")
        _number("learning_rate_decay", "Learning rate decay")
        _number("seed", "Seed")
    _words("loss", "Loss function", words_of(LOSSES))
    first, second = st.columns(2)
    with first:
        _number("mixup", "Mixup")
        if NETWORKS[model].has_width:
            _number("width", "Hidden units")
    with second:
        _number("validation", "Held out")
    st.toggle(
        "Random crop (augmentation)", default().random_crop, key="random_crop", bind="query-params"
    )


def _words(name: str, label: str, words: dict[str, str]) -> None:
    """A choice shown by its words."""
    st.selectbox(
        label,
        list(words),
        list(words).index(at_first(name, words, getattr(default(), name))),
        format_func=words.__getitem__,
        key=name,
        bind="query-params",
    )


def _number(name: str, label: str, usual: float | None = None) -> None:
    """A text field for a number. A browser's own number field would turn "0,05" into 5."""
    about = FIELDS[name].metadata
    low, high = about["limits"]
    if name == "epochs":
        high = resources.settings().limits.epochs
    st.text_input(
        label,
        number_text(getattr(default(), name) if usual is None else usual),
        key=name,
        bind="query-params",
        max_chars=40,
        help=f"{capitalized(about['help'])}. From {low:g} to {high:g}.",
    )


def set_all(config: RunConfig) -> None:
    """Set all controls to the settings of this run."""
    for name, spec in FIELDS.items():
        if name not in NOT_IN_FORM:
            value = getattr(config, name)
            is_typed = spec.metadata["value_type"] in (int, float) and name != "level"
            st.session_state[name] = number_text(value) if is_typed else value


def take_from(run: LiveRun) -> None:
    """Set the controls to a run opened by a link, unless the address sets a control itself."""
    state = session()
    if state.fields_of != run.run_id:
        state.fields_of = run.run_id
        if state.takes_fields or not any(name in st.query_params for name in FIELDS):
            set_all(run.config)
        state.takes_fields = False


def _set_learning_rate() -> None:
    st.session_state.learning_rate = number_text(NETWORKS[st.session_state.model].learning_rate)
