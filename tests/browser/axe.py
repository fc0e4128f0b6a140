"""What axe-core finds wrong on a page, of any impact."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

SCRIPT = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# What is Streamlit's own, and nothing of ours can mend.
NOT_OURS: dict[str, str] = {}


# Streamlit fades what a busy server draws anew, and in again; the page at rest is judged.
AT_REST = "[data-testid=stElementContainer] { opacity: 1 !important; transition: none !important }"


def violations(page: Page) -> list[str]:
    page.add_style_tag(content=AT_REST)
    page.evaluate(SCRIPT)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['impact']} {each['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
        if each["id"] not in NOT_OURS
    ]
