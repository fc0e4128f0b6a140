"""The Lab: set how many labels are wrong, train a network on them, and watch it epoch by epoch."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.choices import NETWORKS
from core.config import USUAL_WIDTH, RunConfig
from core.errors import ConfigError
from core.live.runs.store import LiveRun, Status
from core.live.training.estimate import estimate
from core.view.run.captions import describe_start, start_label
from core.view.words import without_links
from pages.lab import live
from pages.lab.label_gallery import show_labels
from pages.shared.classroom.own_level import show_own_level
from pages.shared.classroom.room import Room, room
from pages.shared.components.component import run_script
from pages.shared.components.copy_link import copy_link
from pages.shared.components.linked_text import linked_text
from pages.shared.components.run_viewer import show_run, show_sprite
from pages.shared.controls.full_data import offer_missing_images
from pages.shared.controls.run_form import (
    config_of_form,
    form_values,
    level_slider,
    more_settings,
    network_choice,
    own_matrix,
    preset_choice,
    set_all,
    take_from,
)
from pages.shared.frame.frame import action, page, show_from_the_top
from pages.shared.frame.links import link
from pages.shared.frame.navigation import the_page
from pages.shared.frame.session import session
from pages.shared.frame.visitor import network_address, visitor
from pages.shared.server import resources

# The bar stays in view if the window has room for it.
STYLE = """<style>
@media (min-width: 761px) {
  [data-testid=stLayoutWrapper]:has(> .st-key-bar) { position: sticky; top: 3.6rem; z-index: 50;
    background: inherit; padding: .2rem 0 }
  /* The bar must not be transparent to what scrolls behind it. */
  [data-testid=stAppViewContainer], [data-testid=stAppViewContainer] :has(.st-key-bar) { background: inherit }
}
.st-key-bar [data-testid=stSlider] { min-width: 11rem }
.st-key-run-line [data-testid=stProgress] { min-width: 14rem }
@media (max-width: 760px) {
  .st-key-bar > *:has([data-testid=stSlider]) { flex: 1 1 100% !important; order: 1 }
  .st-key-bar > *:has([data-testid=stSelectbox]) { flex: 1 1 100% !important; order: 2 }
  .st-key-bar [data-testid=stSelectbox] { width: 100% !important }
  .st-key-run-line { flex-wrap: wrap !important }
  .st-key-run-line > *:has(.st-key-status-line) { flex: 1 1 100% !important }
}
</style>"""


INVITATION = (
    "Leave [every label true](0), make [four in ten](0.4) random, or [all of them](1). Then press Start. Which "
    "error will the network bring down?"
)

START_FROM_FIELDS = Path(__file__).parent / "on_page" / "startFromFields.js"


def start(hidden: tuple[str, ...], visitor_name: str, shown: str | None) -> None:
    """Train the run that the controls describe now; if it is the finished run on show, replay it."""
    config = config_of_form(hidden)
    if config.run_id == shown:
        session().replays += 1
    begin(config, visitor_name)


def begin(config: RunConfig, visitor_name: str) -> None:
    """Submit a run and show it, with its settings in the controls."""
    run = resources.store().submit(config, visitor_name, network_address())
    st.query_params["run"] = run.run_id
    set_all(config)
    show_from_the_top()


def set_level(level: str) -> None:
    """Set the slider of the corruption level."""
    st.session_state.level = float(level)


def shown_run() -> LiveRun | None:
    """Return the run in the address; if this session has not shown it yet, set the controls to it."""
    run_id = st.query_params.get("run")
    run = resources.store().run(run_id) if run_id else None
    if run_id and run is None:
        sentence = f"There is no run {run_id[:12]!r} here. Start one above."
        st.warning(without_links(sentence))
    if run:
        resources.store().note_view(run.run_id)
        take_from(run)
    return run


def show_bar(in_room: Room, run: LiveRun | None, visitor_name: str) -> RunConfig | None:
    """Show the controls and what Start would do; return the run that they describe, or None."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="bar"):
        start_button, slider, preset = st.empty(), st.empty(), None
        if not in_room.hides("more"):
            network_choice()
        if not (in_room.hides("preset") and in_room.hides("more")):
            with st.popover("More", icon=":material/tune:", help="All other settings"):
                if not in_room.hides("preset"):
                    preset = st.empty()
                if not in_room.hides("more"):
                    more_settings()
    if not in_room.hides("level"):
        with slider:  # drawn late: it needs the choice of what is corrupted
            level_slider()
    if preset is not None:
        with preset:  # drawn late: it needs the values of all others
            preset_choice(in_room.hidden)
    if not in_room.hides("more"):
        own_matrix(is_open=run is None)
    config, problem = None, ""
    try:
        offer_missing_images(form_values(in_room.hidden)["data"])
        config = config_of_form(in_room.hidden)
    except ConfigError as error:
        problem = f"This cannot be trained: {error}"
    shown = run.config if run else None
    start_button.button(
        start_label(config, run),
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Shift+Enter",
        on_click=action(start),
        args=(in_room.hidden, visitor_name, run.run_id if run else None),
        disabled=config is None or (config == shown and run is not None and run.is_active),
        key="start",
    )
    if config is None:
        st.error(without_links(problem))
    elif config != shown:
        board = resources.board()  # cached, so that simultaneous visitors share one read of the store
        others = [other for other in board.active if other.run_id != config.run_id]
        needed = estimate(config, board.speeds, others, visitor_name)
        existing = resources.store().run(config.run_id)
        st.caption(describe_start(config, existing, needed, len(others)))
    return config


def show_next(run: LiveRun, visitor_name: str) -> None:
    """Show what to try after a run has ended."""
    config = run.config
    tries: dict[str, RunConfig] = {}
    usual = replace(config, learning_rate=NETWORKS[config.model].learning_rate)
    if run.status is Status.FAILED and usual != config:
        config = tries["The usual learning rate"] = usual
    if config.corruption == "labels":
        for name, level in (("True labels", 0.0), ("Half random", 0.5), ("All random", 1.0)):
            if level != config.level:
                tries[name] = replace(config, level=level)
    other = "mlp-3x512" if config.model == "mlp-1x512" else "mlp-1x512"
    tries[f"The same on a {NETWORKS[other].short}"] = replace(
        config, model=other, learning_rate=NETWORKS[other].learning_rate, width=USUAL_WIDTH
    )
    st.markdown("**Next, try:**")
    with st.container(horizontal=True, vertical_alignment="center", key="next"):
        for name, each in tries.items():
            st.button(
                name, on_click=action(begin), args=(each, visitor_name), key=f"next-{each.run_id}"
            )
        if config.corruption == "labels":
            st.page_link(
                the_page("curve"),
                label="Every level",
                query_params={"run": run.run_id},
                icon=":material/show_chart:",
            )
        if config.corruption == "labels" and config.level and config.data == "embedded":
            st.page_link(
                the_page("find"),
                label="Find the wrong labels",
                query_params={"run": run.run_id},
                icon=":material/search:",
            )
        with st.popover("Share", icon=":material/link:"):
            copy_link(link("lab", run=run.run_id), "Link to this run")


with page("lab") as head:
    st.html(STYLE)
    run_script(START_FROM_FIELDS)
    visitor_name = visitor()
    run = shown_run()  # before any control is drawn
    in_room = room(head)
    if failure := resources.trainer().failure:
        st.error(failure)
    if damage := resources.store().database.state().damage:
        st.warning(damage)
    config = show_bar(in_room, run, visitor_name)
    show_own_level(in_room, visitor_name)
    runs = resources.store().runs_of(visitor_name)
    if shown := (run.config if run else config):
        show_sprite(shown)
    if run:
        live.show(run, config, runs)
        if run.has_ended:
            show_next(run, visitor_name)
    elif config is not None:
        if not in_room.hides("level"):
            linked_text(INVITATION, set_level, "invitation")
        show_run(config, [], key="viewer")
    if config is not None:
        with st.expander(
            "Look at the labels", key="labels", on_change="rerun", bind="query-params"
        ) as labels:
            if labels.open:
                show_labels(config)
    live.show_table(runs, run)
    live.show_comparison(runs)
