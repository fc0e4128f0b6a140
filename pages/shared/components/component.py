"""Our own components, for what Streamlit lacks, and scripts that a page runs once.

A component is a folder with NAME.html, NAME.css and NAME.js. A script is a file in a folder `on_page`.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

SHARED = (Path(__file__).parent / "component.js").read_text(encoding="utf-8")


def component(folder: Path) -> Callable[..., Any]:
    """Return the component of this folder; its script is put after the shared component.js.

    Its styles are not isolated from the page, because it uses the colors of style.css.
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


def run_script(path: Path, **values: object) -> None:
    """Run a script on the page: call the function NAME of the file NAME.js with these values."""
    arguments = json.dumps(values).replace("<", "\\u003c")  # no value can end the script
    st.html(
        f"<script>(() => {{ {_text(path)}\n{path.stem}({arguments}) }})()</script>",
        unsafe_allow_javascript=True,
    )


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
