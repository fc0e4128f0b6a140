"""Corrupt the labels: real images, the labels they are given, and what was done to them."""

import numpy as np
import streamlit as st

from core.config import RunConfig
from core.data.cifar10 import CLASSES
from core.data.corruption import center_crop, corrupt_labels, corrupt_pixels, transition_counts
from core.errors import ConfigError
from core.view import gallery
from core.view.captions.corruption import describe_corruption
from core.view.charts import transitions
from core.view.words import NOISE_EXPLAINED
from pages.shared import resources
from pages.shared.drawing import draw_live
from pages.shared.frame import page
from pages.shared.full_data import choose_data, data_at_hand
from pages.shared.room import room
from pages.shared.run_form import corruption_choice, level_slider, seed_input

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


@st.cache_data(show_spinner=False, max_entries=64)
def sheet(data_name: str, shown: bytes, shown_as: tuple | None, _images: np.ndarray) -> str:
    """The style sheet with the images; encoding them takes 7 ms."""
    return gallery.style("images", _images)


with page("Corrupt the labels", "Real photographs, some with a lie for a label. Which ones?"):
    in_room = room()
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        corruption = corruption_choice()
        level = 0.0
        if corruption == "labels":
            level = in_room.config.level if in_room.hides("level") else level_slider()
        with st.popover("More settings", icon=":material/tune:"):
            chosen = choose_data()
            true_class = st.selectbox("True class", ["all", *CLASSES], key="class", bind="query-params")
            only_wrong = st.toggle("Only wrong labels", key="wrong", bind="query-params")
            seed = seed_input()
    data_name = data_at_hand(chosen)

    try:
        config = RunConfig(data=data_name, corruption=corruption, level=level, seed=seed)
    except ConfigError as error:
        st.error(str(error))
        st.stop()
    data = resources.data(config.data)
    corrupted = corrupt_labels(data.train_labels, config.level, config.seed)
    st.markdown(f"**{describe_corruption(config, corrupted)}**")

    shown = shown_images(data.train_labels, corrupted.is_wrong, true_class, only_wrong)
    images = data.train_images[shown]
    tiles = [
        gallery.label_tile(CLASSES[corrupted.labels[index]], CLASSES[data.train_labels[index]])
        for index in shown
    ]
    if corruption != "labels":
        noise = resources.noise(config.data) if corruption == "gaussian" else None
        images, _ = corrupt_pixels(
            center_crop(images), corruption, config.seed, indices=shown, noise=noise
        )
    if len(shown):
        shown_as = None if corruption == "labels" else (corruption, config.seed)
        st.html(sheet(config.data, shown.tobytes(), shown_as, images))
        st.html(gallery.tiles("images", tiles))
    else:
        st.info("No label is wrong here. Raise the corruption level, or show all labels again.")

    if corruption == "labels":
        redrawn, wrong = int(corrupted.is_redrawn.sum()), int(corrupted.is_wrong.sum())
        with st.container(horizontal=True):
            st.metric("Labels redrawn", f"{redrawn:,}", help="Drawn again from all ten classes.")
            st.metric("Wrong", f"{wrong:,}", help="Redrawn, and another class than the true one.")
            st.metric("Right by chance", f"{redrawn - wrong:,}", help="Redrawn, and true all the same.")
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
        st.caption(NOISE_EXPLAINED)
