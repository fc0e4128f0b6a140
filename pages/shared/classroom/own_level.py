"""A visitor's own level in the level sweep that their room trains together."""

import streamlit as st

from core.errors import RefusedError
from pages.shared.classroom.room import Room
from pages.shared.frame.frame import plain_errors
from pages.shared.frame.navigation import the_page
from pages.shared.frame.session import session
from pages.shared.frame.visitor import network_address
from pages.shared.server import resources
from pages.shared.server.polling import measured, seconds_between

LOOK_SECONDS = 2.0  # between polls for the teacher's press; in a large class it is longer


def link_to_own_level(in_room: Room, visitor_name: str) -> None:
    """Link to the visitor's own level, on pages where a class waits, once levels are given out."""
    if in_room.code:
        every = max(LOOK_SECONDS, 2 * seconds_between(visitor_name, "call"))
        st.fragment(_call, run_every=every)(in_room.code, visitor_name)


def _call(room: str, visitor_name: str) -> None:
    with plain_errors(), measured():
        seconds_between(visitor_name, "call")
        if resources.is_shared_out(room):
            st.page_link(
                the_page("lab"),
                label="**Your class trains the whole curve together: take your level**",
                icon=":material/group_work:",
                query_params={"room": room},
            )


def show_own_level(in_room: Room, visitor_name: str) -> None:
    """In the Lab, train and show the visitor's own level once the room gives out levels."""
    if in_room.code:
        every = max(LOOK_SECONDS, 2 * seconds_between(visitor_name, "level"))
        st.fragment(_look, run_every=every)(in_room.code, visitor_name)


def _look(room: str, visitor_name: str) -> None:
    with plain_errors(), measured():
        seconds_between(visitor_name, "level")  # counts as a poll: a visitor who waits has not left
        if not resources.is_shared_out(room):
            session().own_level = ("", "")
            return
        try:
            run = resources.shared_levels().take(room, visitor_name, network_address())
        except RefusedError as error:
            st.warning(str(error))
            return
        if run is None:
            return
        st.markdown(
            f"**Your class trains the whole curve together. You have {run.config.level:.0%} corruption.**"
        )
        st.page_link(the_page("curve"), label="The class's figure", icon=":material/show_chart:")
        # A visitor who has opened another run meanwhile stays there.
        in_room, before = session().own_level
        if (in_room, before) != (room, run.run_id):
            session().own_level = (room, run.run_id)
            if in_room != room or before == st.query_params.get("run"):
                st.query_params["run"] = run.run_id
                session().takes_fields = True  # the controls show what it trains
                st.rerun()
