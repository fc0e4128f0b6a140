"""Guess first: draw what you expect of the sweep; then see the truth over it."""

import pandas as pd
import streamlit as st

from core.config import LEVELS
from core.errors import ConfigError
from core.sweep import comparison, reference
from core.view.captions.classroom import describe_guess, describe_guesses
from core.view.captions.sweep import describe_message
from core.view.charts import by_level
from pages.shared import resources
from pages.shared.frame import action, page, plain_errors
from pages.shared.navigation import the_page
from pages.shared.room import room
from pages.shared.visitor import visitor

MODEL = "mlp-1x512"
TO_THE_TOP = """<script>
document.querySelector("[data-testid=stMain]").scrollTo({top: 0, behavior: "smooth"})
</script>"""
COLUMNS = {"test": "Test error", "training": "Training error"}


def drawn() -> pd.DataFrame:
    """The visitor's guess as a table that can be changed, in per cent."""
    limits = st.column_config.NumberColumn(
        min_value=0, max_value=100, step=1, format="%d %%", required=True
    )
    return st.data_editor(
        blank(),
        hide_index=True,
        height="content",
        disabled=["Corruption level"],
        column_config=dict.fromkeys(COLUMNS.values(), limits),
        key="guess-table",
        alt="Your guess at each corruption level, in per cent",
    )


def blank() -> pd.DataFrame:
    """Two flat lines, in per cent: everything is left to say."""
    return pd.DataFrame(
        {
            "Corruption level": [f"{level:.0%}" for level in LEVELS],
            COLUMNS["test"]: 60,
            COLUMNS["training"]: 40,
        }
    )


def changed() -> pd.DataFrame:
    """The table as it is at this moment, the last cell included: also within an action."""
    table = blank()
    edits = st.session_state.get("guess-table", {}).get("edited_rows", {})
    for row, values in edits.items():
        for name, value in values.items():
            if name in COLUMNS.values():
                table.loc[int(row), name] = value
    return table


def save(code: str, visitor_name: str) -> None:
    table = changed()
    if table.isna().any(axis=None):
        raise ConfigError("Fill every cell of the table first.")
    guess = ((table[name] / 100).tolist() for name in COLUMNS.values())
    resources.classroom().add_guess(code, visitor_name, *guess)
    st.session_state.just_revealed = True


def show_everybody(code: str, ours: pd.DataFrame) -> None:
    """Median and band of all guesses in this room, with the truth; redrawn as they come."""
    with plain_errors():
        guesses = resources.classroom().guesses(code)
        st.markdown(f"**{describe_guesses(guesses)}**")
        st.altair_chart(
            by_level.guess_bands(guesses, ours),
            key="everybody",
            alt="Median and middle half of all guesses against corruption level, with the truth",
        )


with page(
    "Guess first",
    "A small network is trained on 50,000 images, a share of their labels replaced by random ones. "
    "Blue: how often will it disagree with the labels it was trained on, wrong ones included? "
    "Orange: how often will it misread new photographs?",
):
    in_room = room()
    ours = comparison.label_runs(resources.sweep())
    ours = ours[ours.model == MODEL]
    visitor_name = visitor()
    guess = resources.classroom().guess_of(in_room.code, visitor_name)
    figure, beside = st.columns([3, 2], gap="large")  # on a phone the figure comes first
    if guess is None:
        with beside:
            table = drawn()
            ready = not table.isna().any(axis=None)
            guess_now = tuple((table[name] / 100).tolist() for name in COLUMNS.values())
            st.button(
                "That is my guess: show me the truth",
                type="primary",
                on_click=action(save),
                args=(in_room.code, visitor_name),
                disabled=not ready,
                key="reveal",
            )
        with figure:
            st.markdown("**Change the numbers; the curves follow. Nobody is asked for a name.**")
            st.altair_chart(
                by_level.guess(guess_now, None), key="guess", alt="Your guess against corruption level"
            )
    else:
        with figure:
            st.markdown(f"**{describe_guess(guess, ours)}**")
            st.altair_chart(
                by_level.guess(guess, ours),
                key="guess",
                alt="Your guess against corruption level, and the truth over it",
            )
            if st.session_state.pop("just_revealed", False):
                # On a phone the button was a screen below what it brought. Once: a script
                # that stays on the page would scroll again at every redrawing.
                st.html(TO_THE_TOP, unsafe_allow_javascript=True)
        with beside:
            st.markdown(describe_message(ours, MODEL, reference.paper()))
            st.page_link(the_page("sweep"), label="On to the whole sweep")
        if in_room.code:
            st.subheader("Everybody in this room", anchor=False)
            st.fragment(show_everybody, run_every=2.0)(in_room.code, ours)
