// A replayed training that the visitor stops, seeing only its training error. For `data` see __init__.py.

const SECONDS = 12 // of the whole replay

class StopGame {
  /** @type {any} */
  start
  /** @type {any} */
  stop
  /** @type {any} */
  svg
  /** @type {any} */
  setTriggerValue
  /** @type {any} */
  question

  constructor(root) {
    const part = name => root.querySelector(name)
    Object.assign(this, {
      root,
      question: part(".question"),
      svg: part("svg"),
      start: part(".start"),
      stop: part(".stop"),
      at: 0,
    })
    this.start.onclick = () => this.begin()
    this.stop.onclick = () => this.halt()
    this.observer = new ResizeObserver(() => this.data && this.show())
    this.observer.observe(this.svg)
  }

  end() {
    this.observer.disconnect()
    clearInterval(this.timer)
  }

  update(data) {
    if (this.data?.id !== data.id) {
      clearInterval(this.timer)
      this.timer = null
      this.at = 0
    }
    this.data = data
    this.show()
  }

  get isTold() {
    return this.data.stopped !== null
  }

  begin() {
    this.at = 1
    const pause = (1000 * SECONDS) / this.data.training.length
    this.timer = setInterval(() => {
      this.at += 1
      if (this.at >= this.data.training.length) this.halt()
      else this.show()
    }, pause)
    this.show()
    this.stop.focus()
  }

  halt() {
    clearInterval(this.timer)
    this.timer = null
    this.show()
    this.setTriggerValue("stop", this.at)
  }

  show() {
    const { data } = this,
      epochs = data.training.length
    this.question.textContent = this.isTold
      ? data.said
      : this.at
        ? `Epoch ${this.at} of ${epochs}: stop when you think it reads new photographs best.`
        : data.question
    this.question.setAttribute("aria-live", this.timer ? "off" : "polite") // a screen reader must not speak sixty times in twelve seconds
    this.start.textContent = "Start"
    this.stop.textContent = "Stop"
    this.start.hidden = this.isTold || this.at > 0
    this.stop.hidden = this.isTold || !this.timer
    const { width, height } = this.svg.getBoundingClientRect()
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
    const wide = width > 34 * rem
    const box = {
      left: 3.2 * rem,
      right: width - (wide ? 9 : 1) * rem,
      top: (wide ? 0.7 : 2.6) * rem,
      bottom: height - 2.8 * rem,
      rem,
    }
    const x = epoch => box.left + (epoch / epochs) * (box.right - box.left)
    const y = value => box.bottom - value * (box.bottom - box.top)
    const parts = []
    for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      parts.push(
        shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) })
      )
      parts.push(
        text(`${Math.round(100 * value)}%`, {
          x: box.left - 0.5 * rem,
          y: y(value),
          "text-anchor": "end",
          "dominant-baseline": "middle",
        })
      )
    }
    for (let epoch = 0; epoch <= epochs; epoch += 10)
      parts.push(text(epoch, { x: x(epoch), y: box.bottom + 1.2 * rem, "text-anchor": "middle" }))
    parts.push(
      text("Epoch", {
        x: (box.left + box.right) / 2,
        y: box.bottom + 2.4 * rem,
        "text-anchor": "middle",
      })
    )
    const until = this.isTold ? epochs : this.at
    const lines = [["training", data.training]]
    if (this.isTold) lines.push(["test", data.test])
    const ends = []
    for (const [which, values] of lines) {
      const colour = ink(data.colours[which])
      const points = values.slice(0, until).map((value, i) => `${i ? "L" : "M"}${x(i + 1)} ${y(value)}`)
      parts.push(shape("path", { class: "line", style: `stroke: ${colour}`, d: points.join("") }))
      if (until) ends.push({ name: data.names[which], colour, at: y(values[until - 1]), end: x(until) })
    }
    if (this.isTold) {
      for (const [epoch, name, kind] of [
        [data.stopped, "you", ""],
        [data.best, "best", "best"],
      ]) {
        parts.push(
          shape("line", {
            class: `mark ${kind}`,
            x1: x(epoch),
            x2: x(epoch),
            y1: box.top,
            y2: box.bottom,
          })
        )
        parts.push(
          text(name, {
            class: "name",
            x: x(epoch) + 4,
            y: kind ? box.bottom - 0.5 * rem : box.top + 0.9 * rem,
          })
        )
      }
    }
    if (wide)
      for (const end of pushApart(ends, 1.1 * rem, box.top, box.bottom))
        parts.push(
          text(end.name, {
            class: "name",
            x: end.end + 0.5 * rem,
            y: end.to,
            "dominant-baseline": "middle",
            style: `fill: ${end.colour}`,
          })
        )
    else parts.push(...namesAbove(ends, { left: box.left, right: box.right, rem }))
    this.svg.setAttribute("aria-label", this.isTold ? data.said : "Training error against epoch")
    this.svg.replaceChildren(...parts)
  }
}

export default component(StopGame, ".stop-game")
