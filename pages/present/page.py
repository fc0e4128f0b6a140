"""The page that tells the story from stored runs, large, for a poster session or a projector."""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import given_labels
from core.live.classroom.classroom import room_code
from core.live.server import serving
from core.sweep import figures, protocol, reference, stopping
from core.view.classroom.level_sweep import PAPERS_TEST_LABELS, describe_lacking
from core.view.cures import charts as cure_charts
from core.view.cures.captions import describe_stopping, describe_stops
from core.view.images import gallery
from core.view.sweep import charts as sweep_charts
from core.view.sweep.captions import describe_best, describe_message
from pages.present.stage import requested_step, show_controls
from pages.shared.components import stop_game
from pages.shared.components.run_viewer import show_levels, show_run, show_sprite
from pages.shared.figures.drawing import draw, draw_new
from pages.shared.figures.level_figure import class_levels, draw_levels, highest, rows_of
from pages.shared.frame.frame import action, page, plain_errors
from pages.shared.frame.links import link
from pages.shared.frame.navigation import the_page
from pages.shared.frame.session import session
from pages.shared.server import resources

MODEL, LEVEL = "mlp-1x512", 0.4
CONVOLUTIONAL = "alexnet"  # in the steps about one run and about stopping in time
CLASS_SECONDS = 2.0
WHOSE_POINTS = (
    "Filled: ours, against the true labels of new photographs. Hollow: Zhang et al. 2017. Their points are "
    "where ours would be if those labels were corrupted, too (thin line). Dashed: 0.9 p."
)
STYLE = """
<style>
:root { font-size: clamp(16px, 1.35vw, 44px) }
[data-testid=stHeader], [data-testid=stToolbar], .st-key-head { display: none }
[data-testid=stMainBlockContainer] { padding: 1.2rem 2rem !important; max-width: none }
.st-key-story h2 { font-size: clamp(1.6rem, 3.2vw, 4.2rem); padding: 0 0 .3rem 0 }
.st-key-story p { font-size: clamp(1.1rem, 1.7vw, 2.4rem); line-height: 1.35 }
.st-key-story .images { grid-template-columns: repeat(var(--columns), minmax(0, var(--size))) }
.st-key-beside { display: grid !important; grid-template-columns: minmax(0, 1fr); gap: 1.5rem }
@media (min-width: 761px) {
  .st-key-beside { grid-template-columns: min(66vh, 50%) minmax(0, 24em); gap: 3.5vw; align-items: center }
  .st-key-beside p { font-size: clamp(1.4rem, 2.6vw, 3.4rem) !important }
}
.st-key-story .images figcaption { font-size: clamp(1.2rem, 1.7vw, 2.4rem) }
.st-key-story .images small { font-size: .8em }
.st-key-story .run-viewer h2 { font-size: 1.3rem }
.st-key-story .run-viewer svg text { font-size: 1.05rem }
.st-key-story .run-viewer figcaption { font-size: min(1.05rem, 17cqi) }
.st-key-story .run-viewer svg.errors { height: 50vh }
.st-key-story .run-viewer svg.fates, .st-key-story .run-viewer details { display: none }
.st-key-story .run-viewer:not(.simple) .photographs { grid-template-columns: repeat(4, minmax(0, 1fr)) }
/* Show three of the six rows of photographs: the first two have no wrong label at this level. */
.st-key-story .run-viewer:not(.simple) :is(figure:nth-child(-n + 8), figure:nth-child(n + 21)) { display: none }
/* If three rows are too high, show two, with about the share of wrong labels of all images. */
@media (min-width: 761px) and (max-height: 820px), (min-width: 761px) and (min-aspect-ratio: 3/2) {
  .st-key-story .run-viewer:not(.simple) figure:nth-child(-n + 12) { display: none }
}
.st-key-hall [data-testid=stVegaLiteChart], .st-key-hall div:has([data-testid=stVegaLiteChart]) {
  height: 70vh !important }
.st-key-phone [data-testid=stVegaLiteChart], .st-key-phone div:has([data-testid=stVegaLiteChart]) {
  height: 50vh !important }
.st-key-phone { display: none }
@media (max-width: 760px) { .st-key-hall { display: none } .st-key-phone { display: flex } }
.st-key-turns [data-testid=stPageLink] a { padding: 1rem 1.4rem; border: 2px solid var(--focus); border-radius: .5rem }
@media (max-width: 760px) { .st-key-story .run-viewer svg.errors { height: 34vh } }
</style>
"""


class Step(NamedTuple):
    """One step of the story."""

    title: str
    show: Callable[[], None]
    seconds: float  # until the next step, when the story plays by itself
    note: str  # for the speaker


def one_lie() -> None:
    with st.container(key="beside"):
        photographs(1)
        st.markdown(
            "A network learns to name photographs from examples. Each example has the name of what it shows."
        )


def six() -> None:
    photographs(6)
    st.markdown(f"Of 5,000 photographs, {LEVEL:.0%} had their names picked at random.")


def photographs(count: int) -> None:
    """Show `count` embedded photographs: the first one with a wrong label, and those after it."""
    config, data = RunConfig(level=LEVEL), resources.data("embedded")
    corrupted = given_labels(config, data.train_labels)
    first = int(np.flatnonzero(corrupted.is_wrong)[0])
    shown = [first, *(place for place in range(first + 1, first + 60))][:count]
    st.html(gallery.style("images", data.train_images[shown]))
    columns, size = (1, "62vh") if count == 1 else (3, "28vh")
    st.html(f"<style>.images {{ --columns: {columns}; --size: {size} }}</style>")
    tiles = [
        gallery.label_tile(CLASSES[corrupted.labels[place]], CLASSES[data.train_labels[place]])
        for place in shown
    ]
    st.html(gallery.tiles("images", tiles))


def levels() -> None:
    stored = resources.stored_levels()
    if not stored:
        st.markdown("The runs for this step are not computed yet: `python -m core sweep --missing`.")
        return
    show_levels(stored, first=0.0, key="levels", sweeps=True)


def learning() -> None:
    """Replay AlexNet, which finds the pattern for several epochs; the small network hardly for one."""
    runs = resources.stored_levels(CONVOLUTIONAL)
    stored = [(config, records) for config, records in runs if config.level == LEVEL]
    if not stored:
        st.markdown("The run for this step is not computed yet: `python -m core sweep --missing`.")
        return
    config, records = stored[0]
    show_sprite(config)
    show_run(config, records, key="replayed", replays=True)


def in_two_sizes(draw_one: Callable[[str, bool], object]) -> None:
    """Draw a chart twice: large, to be read from the last row of a hall, and for a phone.

    draw_one: called with a name for the place and whether it is the large one. The style sheet shows
    one of the two.
    """
    for size in ("hall", "phone"):
        with st.container(key=size):
            draw_one(size, size == "hall")


def chart_and_words() -> list[DeltaGenerator]:
    """Return columns for a chart and words: words below the chart would push the buttons off screen."""
    return st.columns([7, 3], gap="large")


def whole_sweep() -> None:
    ours = protocol.label_runs(resources.sweep())
    ours = ours[ours.model == MODEL]
    best = figures.best_means(ours, resources.sweep_epochs(tuple(ours.run_id)))
    left, right = chart_and_words()
    with left:
        in_two_sizes(
            lambda size, is_large: draw(
                f"present-sweep-{size}",
                (),
                lambda: sweep_charts.error_against_level(
                    ours, reference.paper(), MODEL, height="container", best=best
                ),
                is_large=is_large,
                height="stretch",
                alt="Test and training error against corruption level, ours and the paper's",
            )
        )
    with right:
        st.markdown("\n\n".join(describe_message(ours, MODEL).split("\n\n")[:2]))
        st.markdown(describe_best(ours, best, MODEL))
        st.caption(WHOSE_POINTS)


def stop_in_time() -> None:
    runs = stopping.validated_runs(resources.sweep(), CONVOLUTIONAL)
    points = stopping.stopping_points(runs, resources.sweep_epochs(tuple(runs.run_id)))
    means = stopping.stopping_means(points)
    if not len(means):
        st.markdown("The runs for this step are not computed yet: `python -m core sweep --missing`.")
        return
    left, right = chart_and_words()
    with left:
        in_two_sizes(
            lambda size, is_large: draw(
                f"present-stopping-{size}",
                (),
                lambda: cure_charts.stopping(means, height="container"),
                is_large=is_large,
                height="stretch",
                alt="Test error against corruption level: at the end, at the early stop, at its best",
            )
        )
    with right:
        st.markdown(describe_stopping(points, CONVOLUTIONAL))
        st.markdown(
            f"A fifth of the {RunConfig().train_images:,} photographs is held out, some with wrong names. Nobody has to "
            "know which are wrong. Dashed: the best epoch of all, which nobody can know."
        )


def class_figure() -> None:
    """Show the class's figure, which grows while the class trains."""
    st.fragment(_class_figure, run_every=CLASS_SECONDS)(shared_room())


def _class_figure(code: str) -> None:
    with plain_errors():
        curve = class_levels(code)
        assert curve is not None, "a room keeps its figure"
        rows = rows_of(curve.points, highest(curve.configs), paper=True)
        left, right = chart_and_words()
        with left:
            in_two_sizes(lambda size, is_large: draw_levels(rows, f"class-curve-{size}", is_large))
        with right:
            st.markdown(describe_lacking(curve.points, curve.attendance))
            st.markdown(f"Take a level on your own phone: join room **{code}** in the Lab.")
            st.caption(
                "Orange: test error; blue: training error; gray diamonds: the test errors of Zhang et al. "
                f"2017, on 50,000 photographs. {PAPERS_TEST_LABELS}"
            )


def class_stops() -> None:
    """Show the class's stops, which grow while the class plays."""
    st.fragment(_class_stops, run_every=CLASS_SECONDS)(room_in_address())


def _class_stops(code: str) -> None:
    with plain_errors():
        run = stop_game.played_run()
        assert run is not None, "somebody has stopped it"
        errors = [record.test_error for record in resources.sweep_records(run.run_id)]
        best = errors.index(min(errors)) + 1
        stops = resources.classroom().stops(code, run.run_id)
        left, right = chart_and_words()
        with left:
            in_two_sizes(
                lambda size, is_large: draw_new(
                    cure_charts.stops(stops, len(errors), best, height="container"),
                    name=f"class-stops-{size}",
                    is_large=is_large,
                    height="stretch",
                    alt="How many visitors stopped after which epoch; dashed: the best epoch",
                )
            )
        with right:
            st.markdown(describe_stops(stops, best))
            st.markdown(STOPS_STEP.note)


def room_in_address() -> str:
    """Return the code of the room in the address, or an empty string."""
    return room_code(st.query_params.get("room", ""))


def shared_room() -> str:
    """Return the code of the room in the address if it has a figure, or an empty string."""
    code = room_in_address()
    return code if resources.has_class_figure(code) else ""


def has_stops() -> bool:
    """Whether somebody in the room of the address has played Stop in time."""
    code = room_in_address()
    run = stop_game.played_run() if code else None
    return run is not None and bool(resources.classroom().stops(code, run.run_id))


def your_turn() -> None:
    left, right = st.columns([1, 1], gap="large")
    address = link("lab")
    with left:
        st.markdown("How many lies can a network take? Train one yourself:")
        with st.container(key="turns"):
            for level in (0.1, 0.5, 1.0):
                st.page_link(
                    the_page("lab"),
                    label=f"**{level:.0%}** of the labels at random",
                    query_params={"level": f"{level:g}"},
                    width="stretch",
                )
    with right:
        if serving.is_for_others(address):
            st.image(serving.qr_code(address), width=420, alt=f"QR code of {address}")
            st.markdown(f"On your own phone: {address}")
        else:
            st.caption(
                "If you open this page at the address that `make serve` prints, a QR code of the Lab appears here."
            )


STEPS = (
    Step(
        "Is that so?",
        one_lie,
        8,
        "Wait for somebody to laugh. Ask: what would you do if your schoolbook said this?",
    ),
    Step(
        "Some of these names are lies",
        six,
        10,
        "Let them find the wrong ones. A label picked at random is right one time in ten.",
    ),
    Step(
        "More and more of them",
        levels,
        16,
        "The level rises from none to all. Look at the ends of the two curves: one stays at zero.",
    ),
    Step(
        "First the pattern, then the lies by heart",
        learning,
        18,
        "This is AlexNet, a network made for pictures. In its first epochs it names a third of the photographs "
        "with a wrong label correctly (a blind guess: a tenth). Later it repeats the labels it was given. "
        "Move over the chart to stop at an epoch.",
    ),
    Step(
        "The more lies, the less the network knows about new photographs",
        whole_sweep,
        20,
        "50,000 photographs at eleven levels. The training error ends near zero at every level. So how well a "
        "network fits what it studied does not say how well it will do.",
    ),
    Step(
        "Stop in time, and less of it is learned by heart",
        stop_in_time,
        18,
        "A fifth of the photographs is held out, some with wrong names. The training is stopped when the network "
        "reads them best. Nobody has to know which names are wrong.",
    ),
    Step("Your turn", your_turn, 25, "Hand over. The code opens the Lab on any phone."),
)


CLASS_STEP = Step(
    "The figure that you make",
    class_figure,
    60,
    "Every phone trains one network at its own level. At first all errors are alike; then one of them falls "
    "at every level.",
)


STOPS_STEP = Step(
    "When did you stop?",
    class_stops,
    30,
    "Dashed: the epoch in which the network read new photographs best. The training curve does not show it.",
)


def steps() -> tuple[Step, ...]:
    """Return the steps of the story; in a room (?room=CODE) its stops and its figure come last."""
    made = [STOPS_STEP] * has_stops() + [CLASS_STEP] * bool(shared_room())
    return (*STEPS, *made)


def go() -> None:
    """Turn to the step that the controls ask for."""
    session().step = step = requested_step() % len(steps())
    st.query_params["step"] = str(step + 1)


def first_step() -> int:
    """Return the index of the step in the address, so that a reload stays there."""
    with suppress(ValueError):
        return (int(st.query_params.get("step", "1")) - 1) % len(steps())
    return 0


def show_notes() -> None:
    """Show the notes for the speaker, for a second device."""
    st.title("Notes for the speaker", anchor=False)
    st.caption(
        "Keys (a remote has them, too): right and left or PageDown and PageUp, Home, End; B: black screen, F: "
        "full screen, P: play or pause."
    )
    for number, step in enumerate(steps(), start=1):
        st.markdown(f"**{number} · {step.title}**  \n{step.note}")


with page("present", title="Label Corruption Lab"):
    if "notes" in st.query_params:
        show_notes()
        st.stop()
    st.html(STYLE)
    story, chosen = steps(), session().step
    if chosen is None:
        session().step = chosen = first_step()
    step = story[chosen % len(story)]
    with st.container(key="story"):
        st.header(step.title, anchor=False)
        step.show()
    show_controls(
        story.index(step),
        [each.title for each in story],
        [each.seconds for each in story],
        action(go),
    )
