"""The labels that images are given, and what was done to them."""

import numpy as np
import streamlit as st

from core.choices import NOISES
from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import center_crop, corrupt_pixels, given_labels, transition_counts
from core.data.noise import mixing_matrix, transition_matrix
from core.view.images import gallery, transitions
from core.view.images.corruption import describe_corruption
from core.view.words import NOISE_EXPLAINED, capitalized
from pages.shared.figures.drawing import draw_live
from pages.shared.server import resources
from pages.shared.server.cache import cached

SHOWN = 60  # images in the gallery


def shown_images(
    true_labels: np.ndarray, is_wrong: np.ndarray, true_class: str, only_wrong: bool
) -> np.ndarray:
    """The first images of the set that pass the filter; their places in it."""
    passes = np.ones(len(true_labels), dtype=bool)
    if true_class != "all":
        passes &= true_labels == CLASSES.index(true_class)
    if only_wrong:
        passes &= is_wrong
    return np.flatnonzero(passes)[:SHOWN]


@cached(64)
def sheet(data_name: str, shown: bytes, shown_as: tuple | None, _images: np.ndarray) -> str:
    """The style sheet with the images; encoding them takes 7 ms."""
    return gallery.style("images", _images)


def show_labels(config: RunConfig) -> None:
    """What was done to the training set: many photographs, counts, and where the labels went."""
    data = resources.data(config.data)
    corrupted = given_labels(config, data.train_labels)
    st.markdown(f"**{describe_corruption(config, corrupted)}**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true_class = st.selectbox(
            "True class", ["all", *CLASSES], key="class", bind="query-params", width=220
        )
        only_wrong = st.toggle("Only wrong labels", key="wrong", bind="query-params")
    shown = shown_images(data.train_labels, corrupted.is_wrong, true_class, only_wrong)
    images = data.train_images[shown]
    tiles = [
        gallery.label_tile(CLASSES[corrupted.labels[index]], CLASSES[data.train_labels[index]])
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
    redrawn, wrong = int(corrupted.is_redrawn.sum()), int(corrupted.is_wrong.sum())
    with st.container(horizontal=True):
        is_random = config.noise == "uniform"
        drawn = "picked at random" if is_random else "drawn again"
        source = "From all ten classes." if is_random else f"They become {NOISES[config.noise].words}."
        # Kinds that keep some classes draw their true labels for certain.
        came_out = "Right by chance" if is_random else "Right all the same"
        about = capitalized(drawn)
        st.metric(f"Labels {drawn}", f"{redrawn:,}", help=source)
        st.metric("Wrong", f"{wrong:,}", help=f"{about}, and another class than the true one.")
        st.metric(came_out, f"{redrawn - wrong:,}", help=f"{about}, and true all the same.")
        st.metric("Images", f"{len(corrupted.labels):,}")
    st.markdown("**Where the labels went: each row is a true class, each column the label given.**")
    counts = transition_counts(data.train_labels, corrupted.labels)
    draw_live(
        "transitions",
        (config.data,),
        lambda: transitions.transition_heatmap(counts),
        transitions.transition_rows(counts),
        alt="Number of training images for each true class and each label given",
    )
    if config.noise != "uniform":
        left, right = st.columns(2)
        with left:
            _show_matrix("What a label that is drawn again becomes, S", mixing_matrix(config), "mixing")
        with right:
            title = f"What any label becomes at {config.level:.0%}, T"
            _show_matrix(title, transition_matrix(config), "transition")
        st.caption(
            "T = (1 - p) I + p S, with p the corruption level: the chance of each label, given the true "
            "class. "
        )
    st.caption(NOISE_EXPLAINED)


def _show_matrix(title: str, matrix: np.ndarray, name: str) -> None:
    st.markdown(f"**{title}**")
    draw_live(
        name,
        ("matrix",),
        lambda: transitions.matrix_heatmap(matrix),
        transitions.matrix_rows(matrix),
        alt=f"{title}: the share of each true class, in rows, that is given each label, in columns",
    )
