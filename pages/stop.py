"""The page about early stopping: a game, and what held-out photographs tell at every level."""

import pandas as pd
import streamlit as st

from core.choices import NETWORKS
from core.config import TRAIN_IMAGES
from core.sweep import protocol, stopping
from core.view.cures import captions, charts
from core.view.words import compute
from pages.shared.classroom.room import Room, room
from pages.shared.components import stop_game
from pages.shared.controls.choosing import choice, cured_network
from pages.shared.figures.downloads import downloads
from pages.shared.figures.drawing import draw, draw_new
from pages.shared.frame.frame import action, page, plain_errors
from pages.shared.frame.visitor import visitor
from pages.shared.server import resources

IMAGES = {"embedded": "5,000 photographs", "full": "All 50,000"}


def show_game(in_room: Room, visitor_name: str) -> None:
    """Show the game and, once the visitor has stopped, the stops of the room."""
    run = stop_game.played_run()
    if run is None:
        st.info("The run of this game is not computed yet." + compute("mini-stopping"))
        return
    records = resources.sweep_records(run.run_id)
    errors = [record.test_error for record in records]
    stopped = resources.classroom().stop_of(in_room.code, visitor_name, run.run_id)

    def save() -> None:
        epoch = stop_game.sent_epoch(len(records))
        resources.classroom().add_stop(in_room.code, visitor_name, run.run_id, epoch)

    result = captions.describe_stop(stopped, errors) if stopped else ""
    stop_game.play(run.run_id, records, action(save), stopped, result)
    if stopped and in_room.code:
        best = errors.index(min(errors)) + 1
        st.header("Everybody in this room", anchor=False)
        st.fragment(show_everybody, run_every=2.0)(in_room.code, run.run_id, len(records), best)


def show_everybody(code: str, run_id: str, epochs: int, best: int) -> None:
    """Show when the visitors of the room stopped, redrawn as they do."""
    with plain_errors():
        stops = resources.classroom().stops(code, run_id)
        st.markdown(f"**{captions.describe_stops(stops, best)}**")
        draw_new(
            charts.stops(stops, epochs, best),
            name="stops",
            alt="How many visitors stopped after which epoch; dashed: the best epoch",
        )


def show_curves() -> None:
    """Show what early stopping gains at every level."""
    data = choice("Photographs", IMAGES, "images")
    if data == "embedded":
        model = cured_network(first="alexnet")
        points = points_of(stopping.validated_runs(resources.sweep(), model))
    else:
        known = set(protocol.label_runs(resources.sweep(), data).model)
        names = {model: NETWORKS[model].short for model in NETWORKS if model in known}
        model = choice("Network", names, "network", first="alexnet")
        runs = stopping.full_runs(resources.sweep(), model)
        points = points_of(runs)
        # A network that studies four fifths is compared with one that studies all to the end.
        held_out = points.run_id.isin(runs[runs.validation > 0].run_id)
        points = points[~held_out | (points.kind == "held_out")]
    means = stopping.stopping_means(points)
    sentences = [captions.describe_stopping(points, model, rule) for rule in captions.RULES]
    title, *others = dict.fromkeys(filter(None, sentences))
    st.markdown(f"**{title}**")
    for sentence in others:
        st.markdown(sentence)
    if not len(means):
        return
    draw(
        "stopping",
        (model, data),
        lambda: charts.stopping(means),
        alt="Test error against corruption level: at the end, at the early stops, at its best",
    )
    whole = protocol.label_runs(resources.sweep(), "embedded")
    if data == "embedded":
        st.markdown(captions.describe_held_out_cost(points, whole[whole.model == model]))
    sources = captions.explain_stopping(points, TRAIN_IMAGES[data])
    st.caption(sources)
    st.caption(captions.explain_label_wave(points))
    downloads("stopping", lambda: charts.stopping(means), title, sources, points)
    if data == "embedded":
        show_other_noise(model)


def points_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the stopping points of stored runs."""
    return stopping.stopping_points(runs, resources.sweep_epochs(tuple(runs.run_id)))


def show_other_noise(model: str) -> None:
    """Show whether early stopping helps against labels of people and of look-alikes."""
    runs = stopping.other_noise_runs(resources.sweep(), model)
    if not len(runs):
        return
    points = points_of(runs)
    st.markdown("**Does it also help with other kinds of wrong labels?**")
    noises = dict(zip(runs.run_id, runs.noise, strict=True))
    st.dataframe(captions.noise_rows(points, noises), hide_index=True, width="content")


with page("stop") as head:
    visitor_name = visitor()
    in_room = room(head)
    show_game(in_room, visitor_name)
    st.header("At every level", anchor=False)
    show_curves()
    st.caption(
        "The runs are from the sweep. In the Lab, “Held out” under More does the same for your "
        "own run and draws its error on the held-out photographs."
    )
