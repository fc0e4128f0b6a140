"""A link as selectable text, with a button that copies it and says whether that worked."""

from pathlib import Path

from pages.shared.components.component import component

_COPY_LINK = component(Path(__file__).parent)


def copy_link(address: str, label: str = "Link", button: str = "Copy the link") -> None:
    """Show a link with a button that copies it, which also works over plain http."""
    _COPY_LINK(data={"address": address, "label": label, "button": button}, key=f"copy-{address}")
