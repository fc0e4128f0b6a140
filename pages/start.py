"""The start page: the question, a stored training to play with, and links to all pages."""

from dataclasses import replace

import streamlit as st

from pages.shared.classroom.own_level import link_to_own_level
from pages.shared.classroom.room import Room, room
from pages.shared.components.run_viewer import show_levels
from pages.shared.controls.run_form import default
from pages.shared.frame.frame import page, plain_errors
from pages.shared.frame.navigation import story, the_page
from pages.shared.frame.visitor import network_address, visitor
from pages.shared.server import resources

FIRST = 0.4  # the level shown at first
IN_ROW = 4  # cards per row
STYLE = """<style>
.st-key-ways [data-testid=stPageLink] a { display: block; height: 100%; padding: .8rem 1rem; min-height: 48px;
  border: 1px solid var(--quiet); border-radius: .5rem }
.st-key-ways [data-testid=stPageLink] a:hover { border-color: var(--focus) }
.st-key-go button { min-height: 3.4rem; padding: 0 1.6rem }
.st-key-go button p { font-size: 1.15rem; font-weight: 600 }
</style>"""


def train(level: float, in_room: Room, visitor_name: str) -> None:
    """Submit a run at the chosen level, unless the room sets the level, and open it in the Lab."""
    config = default()
    if not in_room.hides("level"):
        config = replace(config, level=level)
    run = resources.store().submit(config, visitor_name, network_address())
    address = {"run": run.run_id} | ({"room": in_room.code} if in_room.code else {})
    st.switch_page(the_page("lab"), query_params=address)


with page(
    "start",
    "Some of these photographs have the wrong name. Will a network notice?",
    title="Can a network learn from lies?",
) as head:
    st.html(STYLE)
    visitor_name = visitor()
    in_room = room(head)
    link_to_own_level(in_room, visitor_name)
    stored, level = resources.stored_levels(), FIRST
    if stored:
        level = show_levels(stored, first=FIRST, key="machine")
    with st.container(horizontal=True, vertical_alignment="bottom", key="go"), plain_errors():
        if st.button("Train a real network", type="primary", icon=":material/play_arrow:", key="train"):
            train(level, in_room, visitor_name)
    with st.container(key="ways"):
        places = story()
        rows = [column for _ in range(0, len(places), IN_ROW) for column in st.columns(IN_ROW)]
        for number, (column, place) in enumerate(zip(rows, places, strict=False), start=1):
            with column:
                st.page_link(
                    place.page(),
                    label=f"**{number} · {place.title}**  \n{place.does}",
                    query_params={"room": in_room.code} if in_room.code else None,
                    width="stretch",
                )
    st.page_link(
        the_page("teacher"),
        label="For teachers: rooms, everybody's guesses, the queue",
        icon=":material/school:",
        query_params={"room": in_room.code} if in_room.code else None,
    )
