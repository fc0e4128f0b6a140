// A sentence; its links are buttons, since they set something here and lead nowhere.

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
    if (told === this.told) return // a button that has the focus keeps it
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
