"""The script that runs first for every visitor: the navigation bar, then the requested page."""

import streamlit as st

from pages.shared.frame.navigation import ICON, navigation, the_page

st.set_page_config(page_title="Label Corruption Lab", page_icon=ICON, layout="wide")
chosen = navigation()
if "present" in st.query_params and chosen.url_path != "present":
    st.switch_page(the_page("present"))
chosen.run()
