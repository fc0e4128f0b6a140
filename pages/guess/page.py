"""The page for guessing first: draw what you expect of the sweep, then see what happened."""

import pandas as pd
import streamlit as st

from core.sweep import protocol
from core.view.classroom.captions import GUESSES_EXPLAINED, describe_guess, describe_guesses
from core.view.sweep import charts
from core.view.sweep.captions import describe_message
from pages.guess.guess_board import sent_guess, show_empty_board, show_truth
from pages.shared.classroom.own_level import link_to_own_level
from pages.shared.classroom.room import room
from pages.shared.figures.drawing import draw_new
from pages.shared.frame.frame import action, page, plain_errors
from pages.shared.frame.navigation import the_page
from pages.shared.frame.visitor import visitor
from pages.shared.server import resources

MODEL = "mlp-1x512"


def show_everybody(code: str, ours: pd.DataFrame) -> None:
    """Show the median and middle half of the room's guesses with the truth, redrawn as they come."""
    with plain_errors():
        guesses = resources.classroom().guesses(code)
        st.markdown(f"**{describe_guesses(guesses)}**")
        draw_new(
            charts.guess_bands(guesses, ours),
            name="everybody",
            alt="Median and middle half of all guesses against corruption level, with the truth",
        )
        st.caption(GUESSES_EXPLAINED)


with page(
    "guess",
    "A small network studies 50,000 photographs until it learns no more. A share of their labels is picked at "
    "random.",
) as head:
    visitor_name = visitor()
    in_room = room(head)
    link_to_own_level(in_room, visitor_name)
    ours = protocol.label_runs(resources.sweep())
    ours = ours[ours.model == MODEL]
    guess = resources.classroom().guess_of(in_room.code, visitor_name)
    if guess is None:

        def save() -> None:
            resources.classroom().add_guess(in_room.code, visitor_name, *sent_guess())

        show_empty_board(action(save))
    else:
        show_truth(guess, ours, describe_guess(guess, ours))
        st.page_link(the_page("sweep"), label="See the whole sweep", icon=":material/arrow_forward:")
        st.markdown(describe_message(ours, MODEL))
        if in_room.code:
            st.header("Everybody in this room", anchor=False)
            st.fragment(show_everybody, run_every=2.0)(in_room.code, ours)
