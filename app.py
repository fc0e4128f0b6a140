"""The router: which pages there are. Run with `make run`."""

import streamlit as st

st.set_page_config(page_title="Label Corruption Lab", page_icon=":material/science:", layout="wide")

st.navigation(
    [
        st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
        st.Page("pages/corrupt.py", title="Corrupt the labels", icon=":material/shuffle:"),
        st.Page("pages/train.py", title="Train live", icon=":material/show_chart:"),
        st.Page("pages/sweep.py", title="The sweep", icon=":material/stacked_line_chart:"),
    ],
    position="top",
).run()
