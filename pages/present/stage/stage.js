// Controls the story by keys, touches and time, and sends the next step to the server.

const IDLE_SECONDS = 60
const FORWARD = ["ArrowRight", "PageDown", " "]
const BACK = ["ArrowLeft", "PageUp"]

class Stage {
  /** @type {any} */
  setTriggerValue

  constructor(root) {
    this.root = root
    this.dots = root.querySelector(".dots")
    this.play = root.querySelector(".play")
    this.curtain = root.querySelector(".curtain")
    this.listeners = new AbortController()
    const { signal } = this.listeners
    document.addEventListener("keydown", event => this.key(event), { signal })
    document.addEventListener("pointerdown", event => this.touch(event), { signal })
    document.addEventListener("visibilitychange", () => this.stayAwake(), { signal })
    root.querySelector(".back").onclick = () => this.lead(this.step - 1)
    root.querySelector(".next").onclick = () => this.lead(this.step + 1)
    root.querySelector(".full").onclick = () => this.fullScreen()
    this.play.onclick = () => {
      this.plays = !this.plays
      this.show()
      this.schedule()
    }
    this.curtain.onclick = () => this.black()
    this.stayAwake()
    this.touched = performance.now()
    this.watch = setInterval(() => this.perhapsStartAnew(), 1000)
  }

  end() {
    this.listeners.abort()
    clearTimeout(this.timer)
    clearInterval(this.watch)
    this.lock?.release().catch(() => {})
  }

  update(data) {
    const isFirst = this.data === undefined
    this.data = data
    if (isFirst) this.plays = data.plays && !reducesMotion()
    if (this.step !== data.step) {
      this.step = data.step
      this.schedule()
    }
    this.show()
  }

  show() {
    this.play.textContent = this.plays ? "Pause" : "Play"
    const { titles } = this.data
    this.dots.replaceChildren(
      ...titles.map((title, i) => {
        const dot = Object.assign(document.createElement("button"), { type: "button", title })
        dot.setAttribute("aria-label", `${i + 1} of ${titles.length}: ${title}`)
        if (i === this.step) dot.setAttribute("aria-current", "step")
        dot.onclick = () => this.lead(i)
        return dot
      })
    )
  }

  schedule() {
    clearTimeout(this.timer)
    if (this.plays)
      this.timer = setTimeout(() => this.move(this.step + 1), 1000 * this.data.seconds[this.step])
  }

  // A person takes over: the story no longer plays by itself.
  lead(step) {
    this.plays = false
    this.move(step)
  }

  move(step) {
    const count = this.data.titles.length
    this.step = ((step % count) + count) % count
    this.show()
    this.schedule()
    this.setTriggerValue("step", this.step)
  }

  key(event) {
    this.touched = performance.now()
    const isField = event.target.closest?.("input, textarea, select, [role=slider]")
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (isField && event.key !== "PageDown" && event.key !== "PageUp")
    )
      return
    const last = this.data.titles.length - 1
    if (FORWARD.includes(event.key)) this.lead(this.step + 1)
    else if (BACK.includes(event.key)) this.lead(this.step - 1)
    else if (event.key === "Home") this.lead(0)
    else if (event.key === "End") this.lead(last)
    else if (event.key === "b" || event.key === "B" || event.key === ".") this.black()
    else if (event.key === "f" || event.key === "F") this.fullScreen()
    else if (event.key === "p" || event.key === "P") this.play.click()
    else return
    event.preventDefault()
  }

  touch(event) {
    this.touched = performance.now()
    if (this.root.contains(event.target) || !this.plays) return
    this.plays = false
    clearTimeout(this.timer)
    this.show()
  }

  perhapsStartAnew() {
    const isQuiet = performance.now() - this.touched > 1000 * IDLE_SECONDS
    if (!this.plays && isQuiet && this.data.plays && !reducesMotion()) {
      this.plays = true
      this.move(0)
    }
  }

  black() {
    this.curtain.toggleAttribute("hidden")
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen()
    else document.documentElement.requestFullscreen?.().catch(() => {})
  }

  async stayAwake() {
    if (document.visibilityState !== "visible") return
    try {
      this.lock = await navigator.wakeLock?.request("screen")
    } catch {
      this.lock = undefined
    }
  }
}

export default component(Stage, ".stage")
