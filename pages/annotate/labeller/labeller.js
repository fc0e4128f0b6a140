// Shows one photograph after another, each to be named. For `data` see __init__.py.
// The next one appears at once. The server gets each answer and may correct the place.

class Labeller {
  /** @type {any} */
  begin
  /** @type {any} */
  names
  /** @type {any} */
  asked
  /** @type {any} */
  said
  /** @type {any} */
  photo
  /** @type {any} */
  time
  /** @type {any} */
  setStateValue

  constructor(root) {
    const part = name => root.querySelector(name)
    Object.assign(this, {
      root,
      said: part(".said"),
      begin: part(".begin"),
      asked: part(".asked"),
      photo: part(".photo"),
      time: part(".time"),
      names: part(".names"),
    })
    this.place = 0
    this.answers = [] // of [place, label]
    this.timer = null
    this.isReady = false // for the time limit, so that nobody loses a photograph while reading the page
    this.begin.onclick = () => {
      this.isReady = true
      this.show()
      this.names.firstChild.focus()
    }
    this.onKey = event => {
      if (event.target.closest("input, textarea") || event.altKey || event.ctrlKey || event.metaKey)
        return
      if (/^[0-9]$/.test(event.key) && !this.asked.hidden) this.answer((Number(event.key) + 9) % 10)
    }
    document.addEventListener("keydown", this.onKey)
  }

  end() {
    clearInterval(this.timer)
    document.removeEventListener("keydown", this.onKey)
  }

  update(data) {
    const isNew = this.data?.sprite !== data.sprite
    this.data = data
    if (isNew || data.place > this.place) this.place = data.place
    if (isNew) {
      this.answers = [] // the earlier ones belong to another room's photographs
      this.names.replaceChildren(
        ...data.names.map((name, label) => {
          const button = document.createElement("button")
          button.type = "button"
          button.textContent = name
          button.onclick = () => this.answer(label)
          return button
        })
      )
    }
    this.show()
  }

  show() {
    const { data, place } = this
    if (this.shown === place && !this.begin.hidden === !this.isWaiting) return
    this.shown = place
    clearInterval(this.timer)
    const isOver = place >= data.count
    this.isTimed = place >= data.timedFrom
    this.isWaiting = this.isTimed && !this.isReady && !isOver
    this.begin.hidden = !this.isWaiting
    this.asked.hidden = this.isWaiting || isOver
    this.said.textContent = isOver
      ? "Done: your answers are counted."
      : this.isWaiting
        ? `Now you have ${data.seconds} seconds for each of the last ${data.count - place}.`
        : `What is this? ${place + 1} of ${data.count}`
    if (isOver || this.isWaiting) return
    this.photo.className = `photo ${data.sprite}`
    this.photo.style.backgroundPosition = positionInSprite(place, data)
    this.time.classList.toggle("runs", this.isTimed)
    const bar = this.time.firstChild
    bar.style.width = this.isTimed ? "100%" : "0"
    if (!this.isTimed) return
    const until = performance.now() + 1000 * data.seconds
    this.timer = setInterval(() => {
      const left = until - performance.now()
      bar.style.width = `${Math.max(0, left / (10 * data.seconds))}%`
      if (left <= 0) this.answer(null)
    }, 50)
  }

  answer(label) {
    clearInterval(this.timer)
    // Send all answers each time: of two quick ones sent singly, the server would get only one.
    this.answers.push([this.place, label])
    this.setStateValue("answers", [...this.answers])
    this.place += 1
    this.show()
  }
}

export default component(Labeller, ".labeller")
