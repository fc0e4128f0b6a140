// Stores the visitor's name in a cookie for a year, renewed at every page, or in the address if cookies
// are refused. Streamlit rewrites the address whenever a setting changes, so the name is put back.

/** @param {{ name: string, key: string }} visitor key: its name in the cookie and in the address */
function rememberVisitor({ name, key }) {
  const state = /** @type {any} */ (window)
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store needs https
  document.cookie = `${key}=${name}; path=/; max-age=31536000; SameSite=Lax`
  const keep = () => {
    const address = new URL(location.href)
    const asked = address.searchParams
    const isKept = document.cookie.includes(`${key}=`)
    if (isKept ? !asked.has(key) : asked.get(key) === name) return
    if (isKept)
      asked.delete(key) // a link from somebody whose browser refuses cookies
    else asked.set(key, name)
    history.replaceState(history.state, "", address)
  }
  clearInterval(state.labKeepsVisitor)
  state.labKeepsVisitor = setInterval(keep, 500)
  keep()
}
