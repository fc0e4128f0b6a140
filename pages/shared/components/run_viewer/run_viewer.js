// One run, epoch by epoch: photographs with the network's predictions, and its curves.
// All of it is in the browser, so that choosing an epoch or replaying costs the server nothing.
// For the contents of `data` see __init__.py in this folder.

const REPLAY_SECONDS = 6
const SPOKEN_SECONDS = 5
const SWEEP_SECONDS = 1.2 // per level

class View {
  /** @type {any} */
  slider
  /** @type {any} */
  setStateValue
  /** @type {any} */
  scrubber
  /** @type {any} */
  play
  /** @type {any} */
  toEnd
  /** @type {any} */
  details
  /** @type {any} */
  errors
  /** @type {any} */
  fates
  /** @type {any} */
  levels
  /** @type {any} */
  levelSaid
  /** @type {any} */
  root
  /** @type {any} */
  title
  /** @type {any} */
  said
  /** @type {any} */
  explained
  /** @type {any} */
  now
  /** @type {any} */
  spoken
  /** @type {any} */
  photographs

  constructor(root) {
    const part = name => root.querySelector(name)
    Object.assign(this, {
      root,
      title: part("h2"),
      said: part(".said"),
      photographs: part(".photographs"),
      explained: part(".key"),
      errors: part(".errors"),
      fates: part(".fates"),
      scrubber: part(".transport input"),
      now: part(".transport output"),
      play: part(".play"),
      toEnd: part(".to-end"),
      spoken: part(".unseen"),
      details: part("details"),
      levels: part(".levels"),
      slider: part(".levels input"),
      levelSaid: part(".levels output"),
    })
    this.slider.oninput = () => {
      clearInterval(this.sweeping)
      this.chooseLevel(Number(this.slider.value))
    }
    this.slider.onchange = () => this.setStateValue("level", this.data.level)
    this.chosen = null // the chosen epoch; null: the latest
    this.hovered = null
    this.replayed = null // epochs replayed so far; null: no replay
    this.lastSpoken = 0
    this.scrubber.oninput = () => this.choose(Number(this.scrubber.value))
    this.play.onclick = () => (this.replayed === null ? this.replay() : this.stop())
    this.toEnd.onclick = () => {
      this.stop()
      this.choose(null)
    }
    this.details.ontoggle = () => this.fillTable()
    for (const svg of [this.errors, this.fates]) {
      svg.onpointermove = event => {
        if (event.pointerType !== "mouse" && !event.buttons) return
        this.hovered = this.epochAt(svg, event)
        this.draw()
      }
      svg.onpointerleave = () => {
        this.hovered = null
        this.draw()
      }
      svg.onclick = event => {
        this.hovered = null
        this.choose(this.epochAt(svg, event))
      }
    }
    this.observer = new ResizeObserver(() => this.data && this.draw())
    this.observer.observe(this.errors)
  }

  end() {
    this.observer.disconnect()
    clearInterval(this.sweeping)
    this.stop()
  }

  get count() {
    return this.data.lines.test_error.length
  }

  // The run at the chosen level; the data that all runs share are in `data` itself.
  ofLevel(data) {
    const at = Math.min(Math.max(this.level ?? data.first ?? 0, 0), data.runs.length - 1)
    const run = data.runs[at]
    const lines = Object.fromEntries(
      data.values.map((name, i) => [name, run.told.map(epoch => epoch[i])])
    )
    const said = run.told.map(epoch => epoch.at(-2))
    const predicted = run.told.map(epoch => epoch.at(-1)).filter(Boolean)
    return { ...data, ...run, lines, said, predicted, id: `${data.id}-${at}` }
  }

  chooseLevel(at) {
    this.level = at
    this.showAll()
  }

  // Go through all levels until somebody moves the slider.
  sweep() {
    if (this.sweeping || reducesMotion()) return
    this.sweeping = setInterval(() => {
      const at = (this.level ?? this.all.first) + 1
      if (at < this.all.runs.length) this.chooseLevel(at)
      else clearInterval(this.sweeping)
    }, 1000 * SWEEP_SECONDS)
  }

  update({ json }) {
    this.all = JSON.parse(json)
    this.showAll()
  }

  showAll() {
    const all = this.all
    if (all.sweeps) this.sweep()
    const data = this.ofLevel(all)
    this.levels.toggleAttribute("hidden", !all.is_simple)
    if (all.is_simple) {
      this.slider.max = all.runs.length - 1
      this.slider.value = this.level ?? all.first
      this.slider.setAttribute("aria-valuetext", data.level_text)
      this.levelSaid.textContent = data.level_text
    }
    const isNew = !this.data || this.data.id !== data.id
    const hadEnd = this.data && this.chosen === this.count
    this.data = data
    if (isNew) {
      this.stop()
      this.chosen = null
      if (data.replays && this.count && !reducesMotion()) this.replay()
    } else if (hadEnd) this.chosen = null
    this.root.classList.toggle("stale", data.is_stale)
    this.root.classList.toggle("simple", Boolean(data.is_simple))
    this.fillTable()
    this.draw()
  }

  choose(epoch) {
    this.stop()
    this.chosen = epoch === null ? null : Math.min(Math.max(epoch, 0), this.count)
    this.draw()
  }

  replay() {
    this.chosen = null
    const began = performance.now()
    const seconds = this.data.replay_seconds || REPLAY_SECONDS
    const step = () => {
      // performance.now, because a frame's timestamp may be before `began`
      this.replayed = Math.min(this.count, ((performance.now() - began) / 1000 / seconds) * this.count)
      if (this.replayed >= this.count) this.stop()
      else this.frame = requestAnimationFrame(step)
      this.draw()
    }
    this.replayed = 0
    this.frame = requestAnimationFrame(step)
  }

  stop() {
    cancelAnimationFrame(this.frame)
    this.replayed = null
  }

  // The epoch whose state is shown, and how far the lines are drawn.
  get shown() {
    if (this.hovered !== null) return Math.min(this.hovered, Math.floor(this.drawn))
    if (this.replayed !== null) return Math.floor(this.replayed)
    return this.chosen === null ? this.count : this.chosen
  }
  get drawn() {
    return this.replayed === null ? this.count : this.replayed
  }

  epochAt(svg, event) {
    const { left, width } = svg.getBoundingClientRect()
    const box = this.frameOf(width)
    const share = (event.clientX - left - box.left) / (box.right - box.left)
    return Math.min(Math.max(Math.round(share * this.data.epochs), 0), this.count)
  }

  frameOf(width) {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
    return {
      left: 3.6 * rem,
      right: width - (width > 26 * rem ? 8.5 : 0.8) * rem,
      rem,
      named: width > 26 * rem,
    }
  }

  draw() {
    const { data, shown } = this
    this.title.textContent = data.title
    const said = data.is_simple ? data.key_lines : shown ? data.said[shown - 1] : data.intro
    this.said.textContent = said
    this.drawPhotographs(shown)
    this.explained.textContent = shown && data.predicted.length ? data.key : data.key_before
    const { names } = data
    const line = (key, dash) => ({
      key,
      name: names[key],
      colour: ink(data.colours[key]),
      values: data.lines[key],
      dash,
    })
    const isThere = key => data.lines[key].some(value => value !== null)
    const more = data.is_simple
      ? []
      : [
          line("right_label_error", "3 4"),
          ...(isThere("validation_error") ? [line("validation_error", "8 4")] : []),
        ]
    const ghosts = data.ghosts || []
    this.drawChart(this.errors, {
      series: [line("test_error"), line("train_error"), ...more],
      floor: data.is_simple ? null : data.floor,
      floorName: data.floor_name ?? "",
      floorColour: ink(data.colours.floor),
      ghosts,
      axis: data.error_axis,
      shown,
    })
    this.fates.toggleAttribute(
      "hidden",
      data.is_simple || (!isThere("memorized") && data.floor === null)
    )
    this.drawChart(this.fates, {
      series: [line("memorized"), line("recovered"), line("chance", "2 4")],
      floor: null,
      ghosts: [],
      axis: data.fate_axis,
      shown,
    })
    this.errors.setAttribute("aria-label", `${data.title}. ${data.error_axis} against epoch. ${said}`)
    this.fates.setAttribute("aria-label", `${data.title}. ${data.fate_axis} against epoch.`)
    this.scrubber.max = Math.max(this.count, 1)
    this.scrubber.value = shown
    this.scrubber.disabled = !this.count
    this.now.textContent = `Epoch ${shown} / ${data.epochs}`
    this.scrubber.setAttribute("aria-valuetext", `epoch ${shown} of ${data.epochs}`)
    this.play.textContent = this.replayed !== null ? "Stop" : "Replay"
    this.play.toggleAttribute("hidden", !this.count || (data.is_live && this.replayed === null))
    this.toEnd.textContent = data.is_live ? "Follow" : "Show the end"
    this.toEnd.toggleAttribute(
      "hidden",
      this.replayed === null && (this.chosen === null || this.chosen === this.count)
    )
    this.speak(said)
  }

  speak(said) {
    if (performance.now() - this.lastSpoken < 1000 * SPOKEN_SECONDS || this.spoken.textContent === said)
      return
    this.lastSpoken = performance.now()
    this.spoken.textContent = said
  }

  drawPhotographs(shown) {
    const { tiles, sprite, classes, predicted } = this.data
    const pictures = JSON.stringify([sprite, tiles.map(({ at }) => at)])
    if (this.pictures !== pictures) {
      this.pictures = pictures
      this.photographs.replaceChildren(
        ...tiles.map(({ at }) => {
          const figure = document.createElement("figure")
          const picture = document.createElement("div")
          picture.className = sprite
          picture.setAttribute("role", "img")
          picture.style.backgroundPosition = positionInSprite(at, this.data)
          const caption = document.createElement("figcaption")
          caption.append(document.createElement("b"), document.createElement("span"))
          figure.append(picture, caption)
          return figure
        })
      )
    }
    tiles.forEach(({ given, real, unused }, i) => {
      const figure = this.photographs.children[i]
      const [label, answer] = figure.lastChild.children
      const says = shown && predicted.length ? Number(predicted[shown - 1][i]) : null
      const isWrong = given !== real
      figure.className = `${isWrong && !unused ? "wrong" : ""} ${unused ? "unused" : ""}`
      if (says !== null && isWrong && !unused && says === given) figure.classList.add("repeats")
      if (says !== null && isWrong && says === real) figure.classList.add("sees")
      label.textContent = unused || classes[given]
      answer.textContent = says === null ? (isWrong ? `is: ${classes[real]}` : "") : classes[says]
      const network = says === null ? "" : `; the network says ${classes[says]}`
      const labeled = isWrong ? `wrongly labeled ${classes[given]}` : "rightly labeled"
      const what = unused || labeled
      figure.firstChild.setAttribute("aria-label", `${article(classes[real])}, ${what}${network}`)
    })
  }

  drawChart(svg, { series, floor, floorName = "", floorColour = "", ghosts, axis, shown }) {
    const { width, height } = svg.getBoundingClientRect()
    if (!width) return
    const box = this.frameOf(width)
    const count = series.length + (floor === null || floor === undefined ? 0 : 1)
    const [top, bottom] = [
      (0.6 + (box.named ? 0 : heightOfNames(count))) * box.rem,
      height - 2.6 * box.rem,
    ]
    const x = epoch => box.left + ((box.right - box.left) * epoch) / this.data.epochs
    const y = value => bottom - (bottom - top) * value
    const parts = []
    for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      parts.push(
        shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) })
      )
      if (bottom - top > 8 * box.rem || value % 0.4 < 0.01)
        parts.push(
          text(`${Math.round(100 * value)}%`, {
            x: box.left - 0.4 * box.rem,
            y: y(value),
            "text-anchor": "end",
            "dominant-baseline": "middle",
          })
        )
    }
    const step = niceStep(this.data.epochs)
    for (let epoch = 0; epoch <= this.data.epochs; epoch += step)
      parts.push(text(epoch, { x: x(epoch), y: bottom + 1.05 * box.rem, "text-anchor": "middle" }))
    parts.push(
      text("Epoch", {
        x: (box.left + box.right) / 2,
        y: bottom + 2.2 * box.rem,
        "text-anchor": "middle",
      })
    )
    parts.push(
      text(axis, {
        transform: `translate(${0.6 * box.rem}, ${(top + bottom) / 2}) rotate(-90)`,
        "text-anchor": "middle",
        "dominant-baseline": "middle",
      })
    )
    for (const ghost of ghosts)
      for (const key of ["test_error", "train_error"])
        parts.push(shape("path", { class: "ghost", d: path(ghost[key], ghost[key].length, x, y) }))
    const ends = []
    if (floor !== null && floor !== undefined) {
      parts.push(
        shape("line", {
          class: "line",
          style: `stroke: ${floorColour}`,
          "stroke-dasharray": "7 5",
          x1: box.left,
          x2: box.right,
          y1: y(floor),
          y2: y(floor),
        })
      )
      ends.push({ at: y(floor), name: floorName, colour: floorColour })
    }
    for (const { name, colour, values, dash } of series) {
      const known = values.slice(0, Math.ceil(this.drawn))
      if (!known.some(value => value !== null)) continue
      parts.push(
        shape("path", {
          class: "line",
          style: `stroke: ${colour}`,
          "stroke-dasharray": dash || "none",
          d: path(values, this.drawn, x, y),
        })
      )
      const last = between(values, this.drawn)
      if (last !== null) {
        ends.push({ at: y(last), name, colour })
        parts.push(
          shape("circle", {
            class: "point",
            cx: x(this.drawn),
            cy: y(last),
            r: 4.5,
            style: `fill: ${colour}`,
          })
        )
      }
      const value = shown ? values[shown - 1] : null
      if (value !== null && value !== undefined && this.replayed === null && shown !== this.count)
        parts.push(shape("circle", { cx: x(shown), cy: y(value), r: 5, style: `fill: ${colour}` }))
    }
    if (shown && this.replayed === null && shown !== this.count)
      parts.push(shape("line", { class: "cursor", x1: x(shown), x2: x(shown), y1: top, y2: bottom }))
    parts.push(...(box.named ? this.names(ends, box, top, bottom) : namesAbove(ends, box)))
    svg.replaceChildren(...parts)
  }

  names(ends, box, top, bottom) {
    const placed = pushApart(ends, 1.05 * box.rem, top, bottom)
    return placed.map(({ to, name, colour }) =>
      text(name, {
        class: "name",
        x: box.right + 0.6 * box.rem,
        y: to,
        "dominant-baseline": "middle",
        style: `fill: ${colour}`,
      })
    )
  }

  fillTable() {
    const table = this.details.querySelector("table")
    this.details.toggleAttribute("hidden", !this.count || Boolean(this.data.is_simple))
    if (!this.details.open) return
    const { lines, names } = this.data
    const keys = [
      "test_error",
      "train_error",
      "validation_error",
      "right_label_error",
      "memorized",
      "recovered",
    ].filter(key => lines[key].some(value => value !== null))
    const row = (cells, tag) => {
      const tr = document.createElement("tr")
      tr.append(...cells.map(cell => Object.assign(document.createElement(tag), { textContent: cell })))
      return tr
    }
    const percent = value => (value === null ? "–" : `${(100 * value).toFixed(1)}%`)
    table.replaceChildren(
      row(["epoch", ...keys.map(key => names[key])], "th"),
      ...lines.test_error.map((_, i) => row([i + 1, ...keys.map(key => percent(lines[key][i]))], "td"))
    )
  }
}

// The value after this many epochs, linearly interpolated; null: unknown.
function between(values, epochs) {
  const at = Math.min(Math.floor(epochs), values.length)
  const before = at ? values[at - 1] : null
  const after = values[at]
  if (before === null || epochs === at || after === null || after === undefined) return before
  return before + (after - before) * (epochs - at)
}

function path(values, epochs, x, y) {
  let d = ""
  values.slice(0, Math.floor(epochs)).forEach((value, i) => {
    if (value !== null) d += `${d ? "L" : "M"}${x(i + 1).toFixed(1)} ${y(value).toFixed(1)}`
  })
  const last = between(values, epochs)
  if (d && last !== null) d += `L${x(Math.min(epochs, values.length)).toFixed(1)} ${y(last).toFixed(1)}`
  return d
}

function niceStep(epochs) {
  const rough = epochs / 8
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)))
  return Math.max(
    1,
    [1, 2, 5, 10].map(each => each * power).find(each => each >= rough)
  )
}

function article(noun) {
  return `${"aeiou".includes(noun[0]) ? "an" : "a"} ${noun}`
}

export default component(View, ".run-viewer")
