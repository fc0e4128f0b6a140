// Stores the key of the teacher's page in a cookie, so that a reload keeps it.

/** @param {{ key: string, value: string, seconds: number }} cookie */
function rememberKey({ key, value, seconds }) {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store needs https
  document.cookie = `${key}=${value}; path=/; max-age=${seconds}; SameSite=Lax`
}
