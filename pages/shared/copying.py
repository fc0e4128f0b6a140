"""A link to take along: shown as text that can be selected, with a button that says whether it worked."""

import streamlit as st

_COPY = st.components.v2.component(
    "copy_link",
    html="""<div class="row"><input readonly><button type="button"></button><span role="status"></span></div>
""",
    css="""
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; font-family: var(--st-font) }
input { flex: 1 1 16rem; min-width: 0; min-height: 2.75rem; padding: 0 .75rem; font: inherit;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius) }
button { min-height: 2.75rem; padding: 0 1rem; font: inherit; cursor: pointer;
  color: var(--st-text-color); background: transparent;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius) }
button:focus-visible, input:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px }
""",
    js="""
export default function ({ data, parentElement }) {
  const field = parentElement.querySelector("input")
  const button = parentElement.querySelector("button")
  const said = parentElement.querySelector("span")
  field.value = data.address
  field.setAttribute("aria-label", data.label)
  button.textContent = data.button
  field.onfocus = () => field.select()
  button.onclick = async () => {
    // The clipboard is there over https and on this machine alone; a selection is everywhere.
    let done = false
    try {
      await navigator.clipboard.writeText(data.address)
      done = true
    } catch {
      field.focus()
      field.select()
      try { done = document.execCommand("copy") } catch { done = false }
    }
    said.textContent = done ? "Copied." : "Select the text and copy it by hand."
  }
}
""",
)


def copy_link(address: str, label: str = "Link", button: str = "Copy the link") -> None:
    """Show a link with a button that copies it, also over plain http."""
    _COPY(data={"address": address, "label": label, "button": button}, key=f"copy-{address}")
