"""Figures about single images: what a network predicted, when it learned them, and their losses."""

from collections.abc import Sequence

import streamlit as st

from core.config import RunConfig
from core.records import EpochRecord
from core.view.images import charts
from core.view.images.captions import describe_learned, describe_losses
from core.view.run.data import shown_images, shown_places
from pages.shared.figures.drawing import draw_live, draw_new
from pages.shared.server import computed_once, resources


def show_image_scores(config: RunConfig, records: Sequence[EpochRecord], key: str) -> None:
    """Show the figures about the images of a run; key: identifies their place on the page."""
    if not records:
        return
    labels = resources.data(config.data).train_labels
    studied = computed_once.studied(config)
    if studied is None:
        st.caption("The labels after the repair are not known any more: their ranking was deleted.")
        return
    shown = shown_images(len(labels), config.seed)
    shown = shown[studied.is_trained[shown]]
    places = shown_places(studied.followed, shown)
    rows = charts.said_rows(records, places, studied.labels[shown].tolist(), labels[shown].tolist())
    if len(rows):
        st.markdown("**One row per photograph: what the network said at every epoch**")
        draw_new(
            charts.image_scores_of(rows),
            name=f"{key}-said",
            alt="For each photograph, what the network said at every epoch",
        )
    left, right = st.columns(2, gap="large")
    scores = resources.image_scores(config)
    if scores is not None:
        with left:
            st.markdown(f"**{describe_learned(scores, studied.is_wrong)}**")
            draw_live(
                f"{key}-learned",
                ("learned",),
                charts.learned,
                charts.learned_rows(scores, studied.is_wrong),
                alt="Share of the images learned for good in each epoch, by right and wrong labels",
            )
    counted = [record for record in records if record.loss_counts]
    if scores is None and not counted:
        st.caption(
            "This run has no record of when each image was learned and how sure the network was."
        )
    if counted:
        with right:
            epoch = counted[0].epoch
            if len(counted) > 1:
                usual = counted[min(4, len(counted) - 1)].epoch
                epoch = st.slider(
                    "Epoch",
                    counted[0].epoch,
                    counted[-1].epoch,
                    usual,
                    key=f"{key}-epoch",
                    bind="query-params",
                )
            record = next(each for each in counted if each.epoch == epoch)
            st.markdown(f"**{describe_losses(record)}**")
            draw_live(
                f"{key}-losses",
                ("losses",),
                charts.losses,
                charts.loss_rows(record),
                alt="How many images have which loss, by right and wrong labels",
            )
