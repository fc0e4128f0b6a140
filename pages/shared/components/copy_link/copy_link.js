// A link that can be selected, and a button that says whether it was copied.

class CopyLink {
  constructor(root) {
    this.field = root.querySelector("input")
    this.button = root.querySelector("button")
    this.said = root.querySelector("span")
    this.field.onfocus = () => this.field.select()
    this.button.onclick = () => this.copy()
  }

  end() {}

  update({ address, label, button }) {
    this.field.value = address
    this.field.setAttribute("aria-label", label)
    this.button.textContent = button
  }

  async copy() {
    // The clipboard is there over https and on this machine alone; a selection is everywhere.
    let done = false
    try {
      await navigator.clipboard.writeText(this.field.value)
      done = true
    } catch {
      this.field.focus()
      this.field.select()
      try {
        done = document.execCommand("copy")
      } catch {
        done = false
      }
    }
    this.said.textContent = done ? "Copied." : "Select the text and copy it by hand."
  }
}

export default component(CopyLink, ".copy-link")
