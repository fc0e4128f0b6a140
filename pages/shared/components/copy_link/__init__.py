"""A link to take along: shown as text that can be selected, with a button that says whether it worked."""

from pathlib import Path

from pages.shared.components.component import component

_COPY_LINK = component(Path(__file__).parent)


def copy_link(address: str, label: str = "Link", button: str = "Copy the link") -> None:
    """Show a link with a button that copies it, also over plain http."""
    _COPY_LINK(data={"address": address, "label": label, "button": button}, key=f"copy-{address}")
