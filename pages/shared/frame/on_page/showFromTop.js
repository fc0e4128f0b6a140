// Scrolls to the top, because Streamlit keeps the scroll position of the previous page.

/** @param {{ shown: string }} view the page and its view */
function showFromTop({ shown }) {
  const state = /** @type {any} */ (window)
  if (state.labShown === shown) return
  state.labShown = shown
  document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)
}
