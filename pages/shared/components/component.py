"""Components of our own, for what Streamlit has not: a folder each, NAME/NAME.html, .css and .js."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

SHARED = (Path(__file__).parent / "component.js").read_text(encoding="utf-8")


def component(folder: Path) -> Callable[..., Any]:
    """The component of this folder; its script comes after what all share, component.js.

    Its styles are the page's, not shut off from it: it uses the colours of style.css.
    """

    def read(ending: str) -> str:
        return (folder / f"{folder.name}.{ending}").read_text(encoding="utf-8")

    return st.components.v2.component(
        folder.name,
        html=read("html"),
        css=read("css"),
        js=f"{SHARED}\n{read('js')}",
        isolate_styles=False,
    )
