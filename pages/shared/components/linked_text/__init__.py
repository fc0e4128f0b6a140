"""A sentence whose links set the controls of its page: "make [all of them](1) random".

It is our own component because a link in Streamlit's text opens another page.
"""

import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import ConfigError
from pages.shared.components.component import component
from pages.shared.frame.frame import action

_LINKED_TEXT = component(Path(__file__).parent)
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def linked_text(text: str, choose: Callable[[str], object], key: str, is_bold: bool = False) -> None:
    """Show a sentence with links.

    text: contains links as in Markdown, [words](value); choose: called with the value of a chosen link.
    """
    parts = []
    end = 0
    for link in LINK.finditer(text):
        parts += [[text[end : link.start()], ""], [link[1], link[2]]]
        end = link.end()
    parts.append([text[end:], ""])
    known = {value for _, value in parts if value}

    def take() -> None:
        value = getattr(st.session_state[key], "chosen", None)
        if value is None:  # Streamlit also calls this when it resets the trigger
            return
        if value not in known:
            raise ConfigError("That is not a link of this sentence: choose one of them.")
        choose(value)

    data = {"parts": parts, "isBold": is_bold}
    _LINKED_TEXT(data=data, key=key, on_chosen_change=action(take))


def with_links(text: str, links: dict[str, str]) -> str:
    """Return the text with the first occurrence of these words as links; links: words to value."""
    for words, value in links.items():
        text = text.replace(words, f"[{words}]({value})", 1)
    return text
