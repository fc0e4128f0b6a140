// A chart on which a guess is drawn with finger, mouse or keys, and which then shows the truth on top.
// For `data` see __init__.py in this folder.

class Board {
  /** @type {any} */
  svg
  /** @type {any} */
  again
  /** @type {any} */
  onward
  /** @type {any} */
  touched
  /** @type {any} */
  setTriggerValue
  /** @type {any} */
  root
  /** @type {any} */
  question
  /** @type {any} */
  details
  /** @type {any} */
  fields

  constructor(root) {
    const part = name => root.querySelector(name)
    Object.assign(this, {
      root,
      question: part(".question"),
      svg: part("svg"),
      again: part(".again"),
      onward: part(".onward"),
      details: part("details"),
      fields: part(".fields"),
      at: 0,
      place: 0,
      touched: [false, false],
    })
    this.svg.onpointerdown = event => {
      this.svg.setPointerCapture(event.pointerId)
      this.last = null
      this.drawTo(event)
    }
    this.svg.onpointermove = event => {
      if (event.buttons) this.drawTo(event)
    }
    this.svg.onkeydown = event => this.key(event)
    this.again.onclick = () => {
      this.at = 0
      this.show()
    }
    this.onward.onclick = () => this.goOn()
    this.observer = new ResizeObserver(() => this.data && this.show())
    this.observer.observe(this.svg)
  }

  end() {
    this.observer.disconnect()
  }

  update(data) {
    const isFirst = !this.data
    this.data = data
    if (isFirst) this.guess = data.questions.map(() => data.levels.map(() => 0.5))
    if (data.guess) this.guess = data.guess
    this.show()
  }

  get isTold() {
    return Boolean(this.data.guess)
  }

  get box() {
    const { width, height } = this.svg.getBoundingClientRect()
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
    const named = this.isTold && width > 40 * rem
    return {
      rem,
      left: 3.2 * rem,
      right: width - (named ? 14 : 1) * rem,
      top: (0.7 + (this.isTold && !named ? heightOfNames(4, 1) : 0)) * rem,
      bottom: height - 2.8 * rem,
      named,
    }
  }

  // Set every level between the last position of the finger and this one, even in a quick stroke.
  drawTo(event) {
    if (this.isTold) return
    const { left, top } = this.svg.getBoundingClientRect(),
      box = this.box
    const share = (event.clientX - left - box.left) / (box.right - box.left)
    const value = clamp(1 - (event.clientY - top - box.top) / (box.bottom - box.top))
    const place = Math.round(clamp(share) * (this.data.levels.length - 1))
    const from = this.last ?? { place, value }
    const steps = Math.max(1, Math.abs(place - from.place))
    for (let step = 0; step <= steps; step++) {
      const between = Math.round(from.place + ((place - from.place) * step) / steps)
      this.set(between, from.value + ((value - from.value) * step) / steps)
    }
    this.last = { place, value }
    this.place = place
    this.show()
  }

  set(place, value) {
    this.guess[this.at][place] = Math.round(100 * clamp(value)) / 100
    this.touched[this.at] = true
  }

  key(event) {
    if (this.isTold) return
    const moves = { ArrowLeft: -1, ArrowRight: 1 }
    const changes = { ArrowUp: 0.01, ArrowDown: -0.01, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 }
    if (event.key in moves)
      this.place = Math.min(Math.max(this.place + moves[event.key], 0), this.data.levels.length - 1)
    else if (event.key in changes)
      this.set(this.place, this.guess[this.at][this.place] + changes[event.key])
    else return
    event.preventDefault()
    this.show()
  }

  goOn() {
    if (this.at < this.data.questions.length - 1) {
      this.at += 1
      this.place = 0
      this.show()
      this.svg.focus({ preventScroll: true })
    } else this.setTriggerValue("guess", { test: this.guess[1], training: this.guess[0] })
  }

  show() {
    const { data, at, isTold } = this
    this.root.classList.toggle("told", isTold)
    this.question.textContent = isTold ? data.said : data.questions[at]
    this.again.toggleAttribute("hidden", isTold || at === 0)
    this.onward.toggleAttribute("hidden", isTold)
    this.details.toggleAttribute("hidden", isTold)
    this.onward.textContent = at < data.questions.length - 1 ? data.next : data.send
    this.onward.disabled = !this.touched[at]
    const level = data.levels[this.place],
      value = this.guess[at][this.place]
    this.svg.setAttribute("role", isTold ? "img" : "slider")
    this.svg.setAttribute(
      "aria-label",
      isTold
        ? data.said
        : `${data.questions[at]} Left and right choose the level, up and down the error.`
    )
    const told = {
      "aria-orientation": "vertical",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.round(100 * value),
      "aria-valuetext": `at ${percent(level)} random labels: ${percent(value)}`,
      tabindex: 0,
    }
    for (const [name, value] of Object.entries(told))
      isTold ? this.svg.removeAttribute(name) : this.svg.setAttribute(name, value)
    this.draw()
    this.showFields()
  }

  draw() {
    const { data } = this,
      box = this.box
    const x = level => box.left + (box.right - box.left) * level
    const y = value => box.bottom - (box.bottom - box.top) * value
    const parts = []
    for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      parts.push(
        shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) })
      )
      parts.push(
        text(percent(value), {
          x: box.left - 0.5 * box.rem,
          y: y(value),
          "text-anchor": "end",
          "dominant-baseline": "middle",
        })
      )
      parts.push(
        text(percent(value), { x: x(value), y: box.bottom + 1.2 * box.rem, "text-anchor": "middle" })
      )
    }
    parts.push(
      text("Labels picked at random", {
        x: (box.left + box.right) / 2,
        y: box.bottom + 2.4 * box.rem,
        "text-anchor": "middle",
      })
    )
    parts.push(
      text("Error", {
        transform: `translate(${0.7 * box.rem}, ${(box.top + box.bottom) / 2}) rotate(-90)`,
        "text-anchor": "middle",
        "dominant-baseline": "middle",
      })
    )
    const line = (values, kind, which) => {
      const points = data.levels
        .map((level, i) => [level, values[i]])
        .filter(([, value]) => value !== null)
      return shape("path", {
        class: kind,
        style: `stroke: ${ink(data.colours[which])}`,
        d: points.map(([level, value], i) => `${i ? "L" : "M"}${x(level)} ${y(value)}`).join(""),
      })
    }
    const ends = []
    data.questions.forEach((_, which) => {
      if (!this.isTold && which > this.at) return
      const guessed = this.guess[which]
      if (this.isTold) {
        const truth = data.truth[which]
        const known = data.levels
          .map((level, i) => [level, truth[i], guessed[i]])
          .filter(([, value]) => value !== null)
        const there = known.map(([level, value]) => `${x(level)} ${y(value)}`)
        const back = known.map(([level, , value]) => `${x(level)} ${y(value)}`).reverse()
        if (known.length > 1)
          parts.push(
            shape("path", {
              class: "gap",
              style: `fill: ${ink(data.colours[which])}`,
              d: `M${[...there, ...back].join("L")}Z`,
            })
          )
        parts.push(line(truth, "line", which))
        const last = truth.findLast(value => value !== null)
        if (last !== undefined)
          ends.push({
            at: y(last),
            name: `${data.names[which]}: what happened`,
            colour: ink(data.colours[which]),
          })
        ends.push({
          at: y(guessed.at(-1)),
          name: `${data.names[which]}: your guess`,
          colour: ink(data.colours[which]),
        })
      }
      parts.push(line(guessed, this.isTold ? "line guessed" : "line", which))
      if (!this.isTold && which === this.at)
        data.levels.forEach((level, i) => {
          const isChosen = i === this.place
          parts.push(
            shape("circle", {
              cx: x(level),
              cy: y(guessed[i]),
              r: (isChosen ? 0.7 : 0.45) * box.rem,
              style: `fill: ${ink(data.colours[which])}`,
            })
          )
        })
      if (!this.isTold && which < this.at)
        parts.push(
          text(data.names[which], {
            class: "name",
            x: x(0.02),
            y: y(guessed[0]) - 0.6 * box.rem,
            style: `fill: ${ink(data.colours[which])}`,
          })
        )
    })
    parts.push(
      ...(box.named
        ? pushApart(ends, 1.15 * box.rem, 0, box.bottom).map(({ to, name, colour }) =>
            text(name, {
              class: "name",
              x: box.right + 0.6 * box.rem,
              y: to,
              "dominant-baseline": "middle",
              style: `fill: ${colour}`,
            })
          )
        : namesAbove(ends, box, 1))
    )
    this.svg.replaceChildren(...parts)
  }

  showFields() {
    const { levels } = this.data
    if (this.fields.childElementCount !== levels.length)
      this.fields.replaceChildren(
        ...levels.map((level, place) => {
          const label = document.createElement("label"),
            input = document.createElement("input")
          Object.assign(input, {
            type: "text",
            inputMode: "decimal",
            pattern: "\\s*\\d{1,3}([.,]\\d+)?\\s*%?\\s*",
          })
          input.onchange = () => {
            const value = Number(input.value.replace("%", "").replace(",", ".").trim()) / 100
            const isGood = input.value.trim() !== "" && value >= 0 && value <= 1
            input.setCustomValidity(isGood ? "" : "A number from 0 to 100.")
            input.reportValidity()
            if (!isGood) return
            this.set(place, value)
            this.show()
          }
          label.append(`at ${percent(level)}`, input)
          return label
        })
      )
    levels.forEach((_, place) => {
      const input = this.fields.children[place].querySelector("input")
      if (document.activeElement !== input && input.validity.valid)
        input.value = percent(this.guess[this.at][place])
    })
  }
}

function clamp(value) {
  return Math.min(1, Math.max(0, value))
}
function percent(value) {
  return `${Math.round(100 * value)}%`
}

export default component(Board, ".guess-board")
