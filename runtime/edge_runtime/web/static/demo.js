// Generated films to try, where the page is a demonstration.

import { json } from "./api.js";
import { byId } from "./dom.js";

/**
 * Offer the films of the demonstration.
 * @param {(films: { name: string, film: File }[], others: number) => void} take
 */
export function offerDemo(take) {
  const button = byId("demo");
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const { films } = await json("/demo");
    const found = [];
    for (const { name, url } of films) {
      const answer = await fetch(url);
      found.push({ name, film: new File([await answer.blob()], name) });
    }
    button.disabled = false;
    take(found, 0);
  });
}
