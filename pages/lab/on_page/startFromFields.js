// Makes Shift+Enter work in text fields, where Streamlit ignores its own shortcuts.

function startFromFields() {
  const state = /** @type {any} */ (window)
  if (state.labStartsFromFields) return
  state.labStartsFromFields = true
  document.addEventListener("keydown", event => {
    const field = /** @type {HTMLElement} */ (event.target)
    if (event.key !== "Enter" || !event.shiftKey || !field.closest("input, textarea")) return
    field.blur() // sends the typed text first
    setTimeout(() => {
      /** @type {HTMLElement | null} */
      const start = document.querySelector(".st-key-start button:not(:disabled)")
      start?.click()
    }, 200)
  })
}
