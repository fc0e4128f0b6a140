// Photographs, of which a visitor chooses one. For `data` see __init__.py.

class PhotoChoice {
  /** @type {any} */
  setTriggerValue

  constructor(root) {
    this.root = root
  }

  end() {}

  update(data) {
    const told = JSON.stringify(data)
    if (told === this.told) return // so that a focused button keeps its focus
    this.told = told
    const focused = [...this.root.children].indexOf(document.activeElement)
    this.root.replaceChildren(...data.names.map((name, place) => this.tile(data, name, place)))
    if (focused >= 0) this.root.children[focused]?.focus()
  }

  tile(data, name, place) {
    const button = document.createElement("button"),
      picture = document.createElement("span"),
      label = document.createElement("b")
    picture.className = `picture ${data.sprite}`
    picture.style.backgroundPosition = positionInSprite(place, data)
    label.textContent = name
    button.type = "button"
    button.append(picture, label)
    button.setAttribute("aria-pressed", String(place === data.chosen))
    button.setAttribute("aria-label", `Photograph ${place + 1}, ${name}`)
    button.onclick = () => this.setTriggerValue("chosen", place)
    return button
  }
}

export default component(PhotoChoice, ".photo-choice")
