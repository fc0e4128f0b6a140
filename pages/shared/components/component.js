// Code that our own components share; it is put before the script of each.

const SVG = "http://www.w3.org/2000/svg"

// Makes the default export: one object of the class for each place on the page, updated with its data.
// Elements without words until then have the class "unfilled", which hides them.
function component(Kind, selector) {
  const made = new WeakMap()
  return ({ data, parentElement, setStateValue, setTriggerValue }) => {
    const root = parentElement.querySelector(selector)
    if (!made.has(parentElement)) made.set(parentElement, new Kind(root))
    const one = made.get(parentElement)
    Object.assign(one, { setStateValue, setTriggerValue })
    root.classList.remove("unfilled")
    one.update(data)
    // Streamlit also calls this when new data arrive before the last were shown.
    return () => {
      if (parentElement.isConnected) return
      one.end()
      made.delete(parentElement)
    }
  }
}

function shape(kind, attributes) {
  const node = document.createElementNS(SVG, kind)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  return node
}

function text(words, attributes) {
  const node = shape("text", attributes)
  node.textContent = words
  return node
}

// The CSS position of an image in a sprite.
function positionInSprite(place, { columns, rows }) {
  return `${(100 * (place % columns)) / (columns - 1)}% ${(100 * Math.floor(place / columns)) / Math.max(1, rows - 1)}%`
}

// The theme of the page, which may differ from the browser's preference.
function isDark() {
  const { backgroundColor } = getComputedStyle(document.querySelector(".stApp") || document.body)
  const parts = (backgroundColor.match(/[\d.]+/g) || ["255", "255", "255"]).slice(0, 3).map(Number)
  return parts[0] + parts[1] + parts[2] < 380
}

// A color of the charts, lighter on a dark page.
function ink(colour) {
  return isDark() ? `color-mix(in oklab, ${colour} 62%, white)` : colour
}

// Moves names at the ends of lines ({at: y}) apart so that none covers another; sets their `to`.
function pushApart(ends, apart, top, bottom) {
  const placed = [...ends].sort((a, b) => a.at - b.at)
  placed.forEach((end, i) => {
    end.to = Math.max(end.at, i ? placed[i - 1].to + apart : top)
  })
  for (let i = placed.length - 1; i >= 0; i--)
    placed[i].to = Math.min(placed[i].to, i === placed.length - 1 ? bottom : placed[i + 1].to - apart)
  return placed
}

function reducesMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches
}

// On a phone there is no room next to the lines: their names are above them, one or two per row.
function namesAbove(ends, box, inRow = 2) {
  return ends.map(({ name, colour }, i) => {
    const isRight = i % inRow === 1
    return text(name, {
      class: "name",
      x: isRight ? box.right : box.left,
      y: (0.8 + 1.1 * Math.floor(i / inRow)) * box.rem,
      "text-anchor": isRight ? "end" : "start",
      style: `fill: ${colour}`,
    })
  })
}

// The height of those names, in rem.
function heightOfNames(count, inRow = 2) {
  return 1.1 * Math.ceil(count / inRow)
}
