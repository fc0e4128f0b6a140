// A sentence whose links are buttons, because they set controls on this page.

class LinkedText {
  /** @type {any} */
  setTriggerValue

  constructor(root) {
    this.root = root
  }

  end() {}

  update({ parts, isBold }) {
    const told = JSON.stringify(parts)
    this.root.classList.toggle("bold", isBold)
    if (told === this.told) return // so that a focused button keeps its focus
    this.told = told
    this.root.replaceChildren(
      ...parts.map(([words, value]) => {
        if (!value) return document.createTextNode(words)
        const button = document.createElement("button")
        button.type = "button"
        button.textContent = words
        button.onclick = () => this.setTriggerValue("chosen", value)
        return button
      })
    )
  }
}

export default component(LinkedText, ".linked-text")
