// The token that a link may bring, for one login.

/**
 * Return the token behind the address, and take it out of the address and the browser's history.
 * @returns {string | null}
 */
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname);
  return token;
}
