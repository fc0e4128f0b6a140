"""The part of the Lab that shows the training images with their given labels."""

import numpy as np
import streamlit as st

from core.choices import NOISES
from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import (
    LabelCorruption,
    center_crop,
    corrupt_pixels,
    given_labels,
    transition_counts,
)
from core.data.noise import mixing_matrix, transition_matrix
from core.view.images import gallery, transitions
from core.view.images.corruption import describe_corruption, describe_repair, explain_noise
from core.view.run.data import unused
from core.view.words import capitalized
from pages.shared.figures.drawing import draw_live
from pages.shared.server import computed_once, resources
from pages.shared.server.cache import cached

SHOWN = 60  # images in the gallery


def shown_images(
    true_labels: np.ndarray, is_wrong: np.ndarray, true_class: str, only_wrong: bool
) -> np.ndarray:
    """Return the indices of the first SHOWN images that pass the filter."""
    passes = np.ones(len(true_labels), dtype=bool)
    if true_class != "all":
        passes &= true_labels == CLASSES.index(true_class)
    if only_wrong:
        passes &= is_wrong
    return np.flatnonzero(passes)[:SHOWN]


@cached(64)
def sheet(data_name: str, shown: bytes, shown_as: tuple | None, _images: np.ndarray) -> str:
    """Return the style sheet with the images, cached because encoding them takes 7 ms."""
    return gallery.style("images", _images)


def show_labels(config: RunConfig) -> None:
    """Show what the corruption did to the training set: photographs, counts, transitions."""
    data = resources.data(config.data)
    corrupted = given_labels(config, data.train_labels)
    studied = computed_once.studied(config)
    st.markdown(f"**{describe_corruption(config, corrupted)}**")
    if config.repair != "none":
        st.markdown(f"**{describe_repair(config, studied)}**")
    if studied is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true_class = st.selectbox(
            "True class", ["all", *CLASSES], key="class", bind="query-params", width=220
        )
        only_wrong = st.toggle("Only wrong labels", key="wrong", bind="query-params")
    shown = shown_images(data.train_labels, studied.is_wrong, true_class, only_wrong)
    images = data.train_images[shown]
    tiles = [
        gallery.label_tile(
            CLASSES[studied.labels[index]], CLASSES[data.train_labels[index]], unused(studied, index)
        )
        for index in shown
    ]
    if config.corruption != "labels":
        noise = resources.noise(config.data) if config.corruption == "gaussian" else None
        images, _ = corrupt_pixels(
            center_crop(images), config.corruption, config.seed, indices=shown, noise=noise
        )
    if len(shown):
        shown_as = None if config.corruption == "labels" else (config.corruption, config.seed)
        st.html(sheet(config.data, shown.tobytes(), shown_as, images))
        st.html(gallery.tiles("images", tiles))
    else:
        st.info("No label is wrong here. Raise the corruption level, or show all labels again.")
    if config.corruption != "labels":
        return
    if config.repair == "none":
        _show_counts(config, corrupted)
    st.markdown("**Where the labels went: each row is a true class, each column a given label.**")
    used = studied.is_trained
    counts = transition_counts(data.train_labels[used], studied.labels[used])
    draw_live(
        "transitions",
        (config.data,),
        lambda: transitions.transition_heatmap(counts),
        transitions.transition_rows(counts),
        alt="Number of training images for each true class and each given label",
    )
    if config.noise != "uniform" and config.repair == "none":
        left, right = st.columns(2)
        with left:
            _show_matrix("What a redrawn label becomes, S", mixing_matrix(config), "mixing")
        with right:
            title = f"What any label becomes at {config.level:.0%}, T"
            _show_matrix(title, transition_matrix(config), "transition")
        st.caption(
            "T = (1 - p) I + p S is the probability of each label, given the true class; p is the corruption "
            "level."
        )
    st.caption(explain_noise(config))


def _show_counts(config: RunConfig, corrupted: LabelCorruption) -> None:
    redrawn, wrong = int(corrupted.is_redrawn.sum()), int(corrupted.is_wrong.sum())
    with st.container(horizontal=True):
        is_random = config.noise == "uniform"
        drawn = "picked at random" if is_random else "redrawn"
        source = "From all ten classes." if is_random else f"They become {NOISES[config.noise].words}."
        # With some kinds of noise, the new label is always right for some classes.
        came_out = "Right by chance" if is_random else "Still right"
        about = capitalized(drawn)
        st.metric(f"Labels {drawn}", f"{redrawn:,}", help=source)
        st.metric("Wrong", f"{wrong:,}", help=f"{about}, and different from the true class.")
        st.metric(came_out, f"{redrawn - wrong:,}", help=f"{about}, and equal to the true class.")
        st.metric("Images", f"{len(corrupted.labels):,}")


def _show_matrix(title: str, matrix: np.ndarray, name: str) -> None:
    st.markdown(f"**{title}**")
    draw_live(
        name,
        ("matrix",),
        lambda: transitions.matrix_heatmap(matrix),
        transitions.matrix_rows(matrix),
        alt=f"{title}: the share of each true class (rows) that is given each label (columns)",
    )
