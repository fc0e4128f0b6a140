"""What the scripts of our own components share, without a server."""

import pytest
from playwright.sync_api import expect

from core.paths import ROOT
from pages.shared.components.component import SHARED

OWN = sorted((ROOT / "pages").rglob("*/*.html"))

COUNTING = """
class Counting {
  constructor() { this.updates = 0; window.said.push("made") }
  update(data) { this.updates += 1; window.said.push(`${data}, update ${this.updates}`) }
  end() { window.said.push("ended") }
}
window.said = []
window.show = component(Counting, ".counting")
"""


def test_an_object_lives_until_its_place_is_taken_off_the_page(browser):
    """Streamlit ends the call whose data was overtaken: before or after the next one has come."""
    page = browser.new_page()
    page.set_content('<div id="place"><p class="counting"></p></div>')
    page.add_script_tag(content=SHARED + COUNTING)
    page.evaluate(
        """() => {
          const parentElement = document.querySelector("#place")
          const call = data => show({ data, parentElement, setStateValue() {}, setTriggerValue() {} })
          const first = call("first")
          const second = call("second")
          first()
          second()
          const third = call("third")
          parentElement.remove()
          third()
        }"""
    )
    lived = ["made", "first, update 1", "second, update 2", "third, update 3", "ended"]
    assert page.evaluate("said") == lived
    page.close()


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_no_component_is_seen_before_it_has_its_words(browser, file):
    """A page is drawn before its scripts have come: buttons without a name, pictures without a title."""
    style = (ROOT / "pages" / "shared" / "frame" / "style.css").read_text(encoding="utf-8")
    page = browser.new_page()
    page.set_content(f'<style>{style}</style><div id="place">{file.read_text(encoding="utf-8")}</div>')
    root = page.locator("#place > *")
    expect(root).to_have_css("visibility", "hidden")
    page.add_script_tag(content=f"{SHARED}\nclass Filling {{ update() {{}} }}")
    page.evaluate("""() => component(Filling, "#place > *")({ data: {}, parentElement: document })""")
    expect(root).to_have_css("visibility", "visible")
    page.close()
