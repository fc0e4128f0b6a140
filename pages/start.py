"""Start: the question, a machine that moves at once, and the way through the lab."""

import streamlit as st

from core.sweep import comparison
from core.sweep.results import config_of
from pages.shared import resources
from pages.shared.frame import page
from pages.shared.navigation import pages, the_page
from pages.shared.room import room
from pages.shared.run_viewer import show_levels
from pages.shared.visitor import visitor

MODEL, SEED, FIRST = "mlp-1x512", 0, 0.4
STYLE = """<style>
.st-key-ways [data-testid=stPageLink] a { display: block; height: 100%; padding: .8rem 1rem; min-height: 48px;
  border: 1px solid var(--quiet); border-radius: .5rem }
.st-key-ways [data-testid=stPageLink] a:hover { border-color: var(--focus) }
.st-key-ways [data-testid=stPageLink] p { white-space: normal; overflow: visible }
.st-key-go button { min-height: 3.4rem; padding: 0 1.6rem }
.st-key-go button p { font-size: 1.15rem; font-weight: 600 }
</style>"""

with page(
    "Can a network learn from lies?",
    "Some of these photographs have the wrong name. Will a network notice?",
) as head:
    st.html(STYLE)
    visitor()
    in_room = room(head)
    runs = comparison.label_runs(resources.sweep(), "embedded")
    runs = runs[(runs.model == MODEL) & (runs.seed == SEED)].sort_values("level")
    level = FIRST
    if len(runs):
        stored = [
            (config_of(run), resources.sweep_records(run["run_id"])) for run in runs.to_dict("records")
        ]
        levels = [config.level for config, _ in stored]
        first = min(range(len(levels)), key=lambda place: abs(levels[place] - FIRST))
        level = show_levels(stored, first=first, key="machine")
    with st.container(horizontal=True, vertical_alignment="bottom", key="go"):
        if st.button("Train a real network", type="primary", icon=":material/play_arrow:", key="train"):
            address = {"level": f"{level:g}"} | ({"room": in_room.code} if in_room.code else {})
            st.switch_page(the_page("lab"), query_params=address)
    ways = [target for target in pages()[1:] if target.help]
    with st.container(key="ways"):
        for number, (column, target) in enumerate(
            zip(st.columns(len(ways)), ways, strict=True), start=1
        ):
            with column:
                st.page_link(
                    target,
                    label=f"**{number} · {target.title}**  \n{target.help}",
                    query_params={"room": in_room.code} if in_room.code else None,
                    width="stretch",
                )
