// Photographs, of which a visitor marks those with a suspicious label. For `data` see __init__.py.

class Marker {
  /** @type {any} */
  send
  /** @type {any} */
  setTriggerValue
  /** @type {any} */
  photos
  /** @type {any} */
  count

  constructor(root) {
    const part = name => root.querySelector(name)
    Object.assign(this, {
      root,
      photos: part(".photos"),
      count: part(".count"),
      send: part(".send"),
      marked: new Set(),
    })
    this.send.onclick = () => this.setTriggerValue("marks", [...this.marked])
  }

  end() {}

  update(data) {
    if (this.data?.id !== data.id) this.marked = new Set(data.marked || [])
    this.data = data
    if (data.marked) this.marked = new Set(data.marked)
    this.show()
  }

  show() {
    const { data } = this
    const isTold = Boolean(data.marked)
    this.photos.replaceChildren(...data.tiles.map((tile, place) => this.tile(tile, place, isTold)))
    this.send.textContent = data.send
    this.send.disabled = this.marked.size !== data.most
    this.send.parentElement.hidden = isTold
    this.count.textContent = isTold ? data.said : `${this.marked.size} of ${data.most} marked`
  }

  tile(tile, place, isTold) {
    const button = document.createElement("button"),
      picture = document.createElement("span")
    picture.className = `picture ${this.data.sprite}`
    picture.style.backgroundPosition = positionInSprite(place, this.data)
    const name = document.createElement("b")
    name.textContent = tile.given
    button.type = "button"
    button.append(picture, name)
    button.setAttribute("aria-pressed", String(this.marked.has(place)))
    const isWrong = isTold && tile.given !== tile.real
    if (isTold) {
      const truth = document.createElement("small")
      truth.textContent = isWrong ? `is: ${tile.real}` : "right"
      button.append(truth)
    }
    button.classList.toggle("wrong", isWrong)
    button.disabled = isTold
    button.setAttribute(
      "aria-label",
      `Photograph ${place + 1}, labeled ${tile.given}` +
        (isWrong ? `, is ${tile.real}` : isTold ? ", rightly" : "")
    )
    button.onclick = () => {
      if (this.marked.has(place)) this.marked.delete(place)
      else if (this.marked.size < this.data.most) this.marked.add(place)
      this.show()
      this.photos.children[place].focus()
    }
    return button
  }
}

export default component(Marker, ".photo-marker")
