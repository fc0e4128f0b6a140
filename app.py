"""The router. Run with `make run`."""

import streamlit as st

from pages.shared.navigation import navigation

st.set_page_config(page_title="Label Corruption Lab", page_icon=":material/science:", layout="wide")
navigation().run()
