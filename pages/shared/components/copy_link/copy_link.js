// A link as selectable text, with a button that copies it and says whether that worked.

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
    // The clipboard exists only over https and on localhost; a selection works everywhere.
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
