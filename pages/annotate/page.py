"""The page for annotators: name twenty photographs, see what the room confuses, train on it."""

import numpy as np
import streamlit as st

from core.cleaning.annotators import Answer, confusion, sensible, shares, with_noise
from core.config import PRESETS, RunConfig
from core.data.noise import named_mixing, wrong_share
from core.live.classroom.annotation import SHOWN
from core.view.classroom import annotation as captions
from core.view.finding.captions import change
from core.view.images import transitions
from pages.annotate import labeller
from pages.shared.classroom.room import Room, room
from pages.shared.figures.drawing import draw_live
from pages.shared.frame.frame import action, page, plain_errors
from pages.shared.frame.session import session
from pages.shared.frame.visitor import network_address, visitor
from pages.shared.server import resources

TICK_SECONDS = 2.0
RANDOM = "Random labels"


def show_asking(in_room: Room, visitor_name: str, answers: list[Answer]) -> None:
    """Show the photographs that this visitor has not named yet."""
    data, annotation = resources.data("embedded"), resources.annotation()
    shown = annotation.images(in_room.code, visitor_name, data.train_labels)
    named = {answer.image for answer in answers}

    def save() -> None:
        for place, label in labeller.sent_answers(len(shown)):
            if shown[place] not in saved:
                saved.add(shown[place])
                annotation.add(in_room.code, visitor_name, place, shown[place], label)

    saved = set(named)
    place = next((at for at, image in enumerate(shown) if image not in named), len(shown))
    labeller.show_photos(data.train_images[shown], place, action(save))


def show_results(in_room: Room, visitor_name: str) -> None:
    """Show the confusions of the room, or of this visitor outside a room; redrawn as answers come."""
    with plain_errors():
        true_labels = resources.data("embedded").train_labels
        annotation = resources.annotation()
        own = annotation.answers_of(in_room.code, visitor_name)
        answers, left_out = own, 0
        if in_room.code:
            answers, left_out = sensible(annotation.answers(in_room.code), true_labels)
        st.markdown(f"**{captions.describe_answers(answers, true_labels, left_out)}**")
        if in_room.code:
            st.caption(captions.EXPLAINED)
        counts = confusion(answers, true_labels)
        if not counts.sum():
            return
        left, right = st.columns(2, gap="large")
        with left:
            title = f"Room {in_room.code}" if in_room.code else "Your answers"
            show_matrix(title, "own-answers", shares(counts))
        with right:
            show_matrix(
                "CIFAR-10N: the worst of three people's labels",
                "people",
                named_mixing("cifar10n-worst-matrix"),
            )
        whose = "The room's labels" if in_room.code else "Your labels"
        show_training(counts, whose, visitor_name)


def show_matrix(title: str, name: str, matrix: np.ndarray) -> None:
    """Show a confusion matrix: (K, K), true classes in rows."""
    st.markdown(f"**{title}**")
    draw_live(
        name,
        (),
        lambda: transitions.matrix_heatmap(np.eye(len(matrix))),
        transitions.matrix_rows(matrix),
        alt=f"{title}: share of each true class (rows) that is named as each class (columns)",
    )


def compared(counts: np.ndarray, whose: str) -> dict[str, RunConfig]:
    """Return both runs, by their names on the page."""
    return dict(
        zip((whose, RANDOM), with_noise(resources.offered(PRESETS[0].config), counts), strict=True)
    )


def train(runs: dict[str, RunConfig], visitor_name: str) -> None:
    """Submit these runs."""
    for config in runs.values():
        resources.store().submit(config, visitor_name, network_address())


def show_training(counts: np.ndarray, whose: str, visitor_name: str) -> None:
    """Show the comparison of the class's labels with random ones, and the button that trains both."""
    st.header("Which hurts more?", anchor=False)
    # Runs that were started are followed to their end, even if more answers come meanwhile.
    pressed = session().annotated_runs
    runs = pressed if whose in pressed else compared(counts, whose)
    ends = {name: resources.final(config) for name, config in runs.items()}
    st.markdown(captions.describe_trained(whose, wrong_share(runs[whose]), ends[whose], ends[RANDOM]))
    with st.container(horizontal=True):
        for name, end in ends.items():
            error = "–" if end is None else f"{end.test_error:.1%}"
            difference = None if name == RANDOM else change(ends[RANDOM], end)
            st.metric(f"{name}: test error", error, difference, delta_color="inverse")
    for name, config in runs.items():
        run = resources.store().run(config.run_id)
        if run and run.message:
            st.error(run.message)
        if run and run.is_active:
            done = run.epochs_done / config.epochs
            st.progress(min(1.0, done), f"{name}: epoch {run.epochs_done} of {config.epochs}")

    def begin() -> None:
        asked = compared(counts, whose)
        train(asked, visitor_name)
        session().annotated_runs = asked

    st.button("Train both", type="primary", icon=":material/play_arrow:", on_click=action(begin))


with page("annotate") as head:
    visitor_name = visitor()
    in_room = room(head)
    answers = resources.annotation().answers_of(in_room.code, visitor_name)
    show_asking(in_room, visitor_name, answers)
    if len(answers) >= SHOWN:
        true_labels = resources.data("embedded").train_labels
        st.markdown(captions.describe_own(answers, true_labels))
        st.fragment(show_results, run_every=TICK_SECONDS)(in_room, visitor_name)
    elif in_room.code:
        with st.expander("What the room confuses", key="room-answers", on_change="rerun") as shown:
            if shown.open:
                st.fragment(show_results, run_every=TICK_SECONDS)(in_room, visitor_name)
