"""The router. Run with `make run`."""

import streamlit as st

from pages.shared.navigation import navigation, the_page

st.set_page_config(page_title="Label Corruption Lab", page_icon=":material/science:", layout="wide")
chosen = navigation()
if "present" in st.query_params and chosen.url_path != "present":
    st.switch_page(the_page("present"))
chosen.run()
