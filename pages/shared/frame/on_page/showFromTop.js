// Streamlit leaves a page where the one before it was scrolled to.

/** @param {{ shown: string }} view the page, and which of its views */
function showFromTop({ shown }) {
  const state = /** @type {any} */ (window)
  if (state.labShown === shown) return
  state.labShown = shown
  document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)
}
