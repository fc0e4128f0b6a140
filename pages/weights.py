"""The page about how many weights memorizing takes: widths, the theorem, and a kernel."""

import streamlit as st

from core.config import RunConfig
from core.sweep import widths
from core.view.widths import captions, charts
from pages.shared.classroom.room import room
from pages.shared.figures.downloads import downloads
from pages.shared.figures.drawing import draw
from pages.shared.frame.frame import page
from pages.shared.frame.session import session
from pages.shared.server import resources
from pages.shared.server.computed_once import built, solved

EXPLAINED = (
    "The small network with 1 to 4,096 hidden units, 60 epochs on the 5,000 photographs: n = 5,000 images with d = "
    "2,352 numbers each. Dashed: the number of weights that can fit any labels by theorem 1 of Zhang et al. 2017."
)


def show_widths() -> None:
    """Show the errors of the small network against its number of weights."""
    runs = widths.width_runs(resources.sweep())
    random = widths.width_means(runs[runs.level == 1], "final_train_error")
    title = captions.describe_fitting(random, widths.ENOUGH)
    st.markdown(f"**{title}**")
    if len(random):
        draw(
            "fitting",
            (),
            lambda: charts.fits_random_labels(random, widths.ENOUGH),
            alt="Training error on random labels against the number of weights",
        )
        st.caption(EXPLAINED)
        downloads(
            "weights",
            lambda: charts.fits_random_labels(random, widths.ENOUGH),
            title,
            EXPLAINED,
            random,
        )
    st.header("More weights than needed", anchor=False)
    tests = widths.width_means(runs, "final_test_error")
    title = captions.describe_descent(tests)
    st.markdown(f"**{title}**")
    if len(tests):
        draw(
            "descent",
            (),
            lambda: charts.errors_against_weights(tests),
            alt="Test error against the number of weights, one line per corruption level",
        )
        downloads("descent", lambda: charts.errors_against_weights(tests), title, EXPLAINED, tests)


def show_theorem() -> None:
    """Show the construction of theorem 1."""
    st.header("The theorem, built", anchor=False)
    st.markdown(
        "A network of two layers with 2n + d weights can fit any labels of n images with d numbers each. The proof "
        "builds it: one random direction puts the images in a row. Each image gets one threshold below it and one "
        "weight."
    )
    if st.button("Build it for 5,000 random labels", key="build") or session().is_theorem_built:
        session().is_theorem_built = True
        st.markdown(f"**{captions.describe_theorem(built())}**")


def show_kernel() -> None:
    """Show the kernel solutions."""
    st.header("Without any network", anchor=False)
    st.markdown(
        "Section 5 of the paper: least squares with a Gaussian kernel on the pixels. That is one system of equations; "
        "we take its solution with the smallest norm."
    )
    if st.button("Solve it", key="solve") or session().is_kernel_solved:
        session().is_kernel_solved = True
        with st.spinner("Solving 5,000 equations …"):
            found = solved()
        runs = widths.width_runs(resources.sweep())
        usual = runs[(runs.level == 0) & (runs.width == RunConfig().width)]
        network = float(usual.final_test_error.mean()) if len(usual) else None
        st.markdown(f"**{captions.describe_kernel(found, network)}**")
        st.dataframe(captions.kernel_rows(found), hide_index=True, width="content")


with page("weights") as head:
    room(head)
    show_widths()
    show_theorem()
    show_kernel()
