"""The page about defences: losses and regularizers meant to prevent memorizing wrong labels."""

import pandas as pd
import streamlit as st

from core.choices import DEFENCES
from core.config import RunConfig
from core.sweep import cures, reference
from core.sweep.grids import CURE_LEVELS
from core.view.cures import captions, charts
from pages.shared.classroom.room import room
from pages.shared.controls.choosing import choice, chosen, chosen_network, cured_network
from pages.shared.figures.downloads import downloads
from pages.shared.figures.drawing import draw
from pages.shared.frame.frame import action, page
from pages.shared.frame.navigation import the_page
from pages.shared.frame.session import session
from pages.shared.frame.visitor import network_address, visitor
from pages.shared.server import resources

READ = {"last": "At the end", "best": "At its best epoch"}
LEVELS = {f"{level:g}": f"{level:.0%} corruption" for level in sorted(CURE_LEVELS) if level}
USUAL_LEVEL = f"{CURE_LEVELS[0]:g}"


def show_table(table: pd.DataFrame, level: float, times: dict[str, float | None]) -> None:
    """Show the table of defences at a level."""
    right = st.column_config.TextColumn(alignment="right")
    rows = captions.defence_rows(table, level, times)
    config = {name: right for name in rows.columns if name not in ("Defence", "Seeds")}
    st.dataframe(rows, hide_index=True, column_config=config)


def begin(defence: str, visitor_name: str) -> None:
    """Submit a run with this defence, at the network and level chosen when the button is pressed."""
    level = float(chosen(LEVELS, "at", USUAL_LEVEL))
    config = RunConfig(model=chosen_network(), level=level, **DEFENCES[defence].settings)
    run = resources.store().submit(resources.offered(config), visitor_name, network_address())
    session().run_to_open = run.run_id


def show_try(visitor_name: str) -> None:
    """Show a button for each defence that trains with it, and open the run that was started."""
    st.markdown("**Train one yourself:**")
    with st.container(horizontal=True):
        for name in DEFENCES:
            st.button(
                captions.DEFENCES[name].words,
                on_click=action(begin),
                args=(name, visitor_name),
                key=f"try-{name}",
            )
    if run_id := session().run_to_open:
        session().run_to_open = ""
        st.switch_page(the_page("lab"), query_params={"run": run_id})


with page("defend") as head:
    visitor_name = visitor()
    room(head)
    with st.container(horizontal=True):
        model = cured_network()
        level = float(choice("Corruption level", LEVELS, "at", USUAL_LEVEL))
        read = choice("Read", READ, "read")
    runs = cures.defended_runs(resources.sweep(), model)
    table = cures.defence_points(runs, resources.sweep_epochs(tuple(runs.run_id)))
    title = captions.describe_defences(table, level, model)
    st.markdown(f"**{' '.join((title, captions.describe_memorized(table, level))).strip()}**")
    computed = table[table.level.isin(CURE_LEVELS)]
    if len(computed):
        st.html(charts.defence_legend(set(computed.defence)))
        left, right = st.columns(2, gap="large")
        with left:
            draw(
                "defended",
                (model, read),
                lambda: charts.defences(computed, read, "Test error", has_legend=False),
                alt="Test error against corruption level, one line per defence",
            )
        with right:
            wrong = computed[computed.level > 0]
            draw(
                "memorized",
                (model,),
                lambda: charts.defences(wrong, "memorized", "Wrong labels memorized", has_legend=False),
                alt="Share of the wrong labels memorized against corruption level, one line per defence",
            )
        show_table(computed, level, cures.defence_times(model))
        st.caption(captions.explain_defences(computed, level))
        downloads(
            "defences",
            lambda: charts.defences(computed, read, "Test error"),
            title,
            captions.explain_each_defence(),
            computed,
        )
    st.caption(captions.explain_each_defence())
    st.caption(captions.describe_published_defences(reference.noisy_labels()))
    show_try(visitor_name)
