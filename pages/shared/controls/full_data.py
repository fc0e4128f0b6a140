"""The choice between the embedded images and all of CIFAR-10, with the download of the latter."""

import streamlit as st

from core.data import cifar10
from pages.shared.frame.frame import action
from pages.shared.server import resources

IMAGES = {"embedded": "5,000 embedded images", "full": "All 50,000 images"}


def choose_data(default: str = "embedded") -> str:
    """Show the choice, bound to the address, and return the key of the chosen images."""
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
    """Return the chosen images, or "embedded" if the chosen ones are not on this machine."""
    return chosen if chosen != "full" or cifar10.has_full() else "embedded"


def offer_missing_images(chosen: str) -> str:
    """Like `available`, but show the download button if the chosen images are missing."""
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
        "The full set of 50,000 images is not on this machine yet. The download is 140 to 170 MB. Until then the "
        "app uses its own 5,000 images."
    )
    st.button("Fetch all images", on_click=action(process.start), icon=":material/download:")
