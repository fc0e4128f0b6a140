"""The story on its own, for a poster session: large, without controls, replayed from stored runs."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.config import RunConfig
from core.data.cifar10 import CLASSES, Cifar10
from core.data.corruption import corrupt_labels
from core.sweep import comparison, reference, results
from core.view import gallery
from core.view.captions.corruption import describe_corruption
from core.view.captions.run import describe_errors
from core.view.captions.sweep import describe_message
from core.view.charts import by_level, history
from pages.shared import resources
from pages.shared.drawing import draw
from pages.shared.frame import page, plain_errors

MODEL, LEVEL = "mlp-1x512", 0.5
SHOWN = 28  # images with their labels
REPLAYED_EPOCHS = 60  # after them the curves are flat
TICK_SECONDS = 0.5
WHOSE_POINTS = (
    "Filled: ours, against the true labels of new photographs. Hollow: Zhang et al. 2017, whose points "
    "lie where ours would if those labels were corrupted, too (thin line). Dashed: 0.9 p."
)
STYLE = """
<style>
[data-testid="stHeader"], [data-testid="stToolbar"] { display: none }
[data-testid="stMainBlockContainer"] { padding-top: 1.5rem; max-width: 1500px }
.st-key-story p { font-size: clamp(1.15rem, 1.9vw, 2rem); line-height: 1.35 }
.st-key-story h2 { font-size: clamp(1.7rem, 3.4vw, 3.4rem); padding: 0 0 .4rem 0 }
.st-key-steps { opacity: .55 }
</style>
"""


class Step(NamedTuple):
    title: str
    show: Callable[[float], None]  # called with the seconds since the step began
    seconds: float  # until the next, when it plays by itself


def question(elapsed: float) -> None:
    st.markdown(
        "Show a neural network 50,000 photographs, each with the name of what is in it, "
        "and it learns to name photographs that it has never seen. "
        "Now replace a share of those names by **random** ones: a plane is called a frog, a dog a ship. "
        "Does it notice? What does it learn? And what does it cost?"
    )
    data = resources.data("embedded")
    photographs(data, data.train_labels)


def wrong_labels(elapsed: float) -> None:
    config, data = RunConfig(level=LEVEL), resources.data("embedded")
    corrupted = corrupt_labels(data.train_labels, config.level, config.seed)
    st.markdown(describe_corruption(config, corrupted))
    photographs(data, corrupted.labels)


def photographs(data: Cifar10, labels: np.ndarray) -> None:
    """The same few images in every step that shows some; labels: (N,), what each is called."""
    st.html(gallery.style("images", data.train_images[:SHOWN]))
    tiles = [
        gallery.label_tile(CLASSES[given], CLASSES[true])
        for given, true in zip(labels[:SHOWN], data.train_labels[:SHOWN], strict=True)
    ]
    st.html(gallery.tiles("images", tiles))


def learning(elapsed: float) -> None:
    run = stored_run()
    if run is None:
        st.markdown("The run for this step is not computed yet: `python -m core sweep --missing`.")
        return
    config, records = results.config_of(run), resources.sweep_records(run["run_id"])
    count = int(np.clip(1 + 5 * elapsed, 1, REPLAYED_EPOCHS))
    shown = records[:count]
    st.markdown(describe_errors(config, shown))
    short = RunConfig(model=config.model, data=config.data, level=config.level, epochs=REPLAYED_EPOCHS)
    left, right = st.columns([3, 2])
    with left:
        st.altair_chart(
            history.error_history(shown, short, height=430), key="replay", alt="Errors against epoch"
        )
    with right:
        st.altair_chart(
            history.fate_history(shown, short, height=430),
            key="replay-fate",
            alt="Share of the wrongly labelled images memorized and predicted as their true class",
        )


def whole_sweep(elapsed: float) -> None:
    ours = all_runs()
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw(
            "present-sweep",
            (),
            lambda: by_level.error_against_level(ours, reference.paper(), [MODEL], height=520),
            alt="Test and training error against corruption level, ours and the paper's",
        )
        st.caption(WHOSE_POINTS)
    with right:
        st.markdown(describe_message(ours, MODEL, reference.paper()))


STEPS = (
    Step("Can a network learn from lies?", question, 9),
    Step("Half of the labels are random", wrong_labels, 14),
    Step("First mostly the pattern, then the lies by heart", learning, 18),
    Step("The more lies, the less it is worth on new images", whole_sweep, 20),
)


def all_runs() -> pd.DataFrame:
    runs = comparison.label_runs(resources.sweep())
    return runs[runs.model == MODEL]


def stored_run() -> dict | None:
    runs = all_runs()
    same = runs[runs.level == LEVEL].sort_values("seed")
    return same.iloc[0].to_dict() if len(same) else None


def go(step: int) -> None:
    st.session_state.step = step % len(STEPS)
    st.session_state.step_began = time.monotonic()


def by_hand(steps: int) -> None:
    """A key was pressed: from now on the presenter leads.

    Counted from where the story is, not from where the button was drawn: a press that comes
    before the page is drawn again is a step too. Streamlit still takes two for one where both
    come while the page is being drawn.
    """
    st.session_state.plays = False
    go(st.session_state.step + steps)


def play() -> None:
    """Play by itself, or no longer."""
    st.session_state.plays = not st.session_state.plays


def show() -> None:
    with plain_errors():
        now = st.session_state.step
        elapsed = time.monotonic() - st.session_state.step_began
        if st.session_state.plays and elapsed > STEPS[now].seconds:
            go(now + 1)
            now, elapsed = st.session_state.step, 0.0
        step = STEPS[now]
        with st.container(key="story"):
            st.header(step.title, anchor=False)
            step.show(elapsed)
        with st.container(horizontal=True, key="steps"):
            st.button("Back", shortcut="Left", on_click=by_hand, args=(-1,), key="back")
            st.button("Next", shortcut="Right", on_click=by_hand, args=(1,), key="next")
            # Not a toggle: one that is set from here is drawn as off where the second run of
            # the page overtakes the first, as on a busy server.
            st.button(
                "Pause" if st.session_state.plays else "Play", shortcut="P", on_click=play, key="play"
            )
            st.caption(f"{now + 1} of {len(STEPS)}")


with page("Label Corruption Lab", ""):
    st.html(STYLE)
    if "step" not in st.session_state:
        st.session_state.plays = True
        go(0)
    st.fragment(show, run_every=TICK_SECONDS)()
