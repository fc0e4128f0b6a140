"""The choice between the embedded images and all of CIFAR-10, and the download of the latter."""

import streamlit as st

from core.data import cifar10
from pages.shared.frame.frame import action
from pages.shared.server import resources

IMAGES = {"embedded": "5,000 embedded images", "full": "All 50,000 images"}


def choose_data(default: str = "embedded") -> str:
    """The choice as a control bound to the address."""
    return st.segmented_control(
        "Training images",
        list(IMAGES),
        format_func=IMAGES.__getitem__,
        default=default,
        required=True,
        key="data",
        bind="query-params",
    )


def available(chosen: str) -> str:
    """What was chosen, or the embedded images where the others are not on this machine."""
    return chosen if chosen != "full" or cifar10.has_full() else "embedded"


def offer_missing_images(chosen: str) -> str:
    """The same, with an offer to fetch the rest."""
    if available(chosen) != chosen:
        _offer_download()
    return available(chosen)


@st.fragment(run_every=0.5)
def _offer_download() -> None:
    process = resources.download()
    if process.is_running:
        st.progress(process.progress.share, text=f"{process.progress.message} …")
        return
    if cifar10.has_full():
        st.rerun()
    if process.error:
        st.error(process.error, icon=":material/error:")
    st.caption(
        "The full set of 50,000 images is not on this machine yet: a download of 140 to 170 MB. Until then the "
        "app uses its own 5,000."
    )
    st.button("Fetch all images", on_click=action(process.start), icon=":material/download:")
