/** Which page is shown: the address below /app, by the history of the browser. */

import { tick } from "svelte";

const BASE = "/app";

class Route {
  path = $state(below(location.pathname));
  /** A newer client is there: the next page is fetched whole. */
  renewed = false;

  start(): void {
    addEventListener("popstate", () => void this.#show());
    document.addEventListener("click", (event) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (!link || !plain || link.target || link.hasAttribute("download") || !link.pathname.startsWith(`${BASE}/`)) return;
      if (link.origin !== location.origin || link.hash) return;
      event.preventDefault();
      this.go(below(link.pathname));
    });
  }

  go(path: string): void {
    if (this.renewed) return location.assign(at(path));
    if (path !== this.path) history.pushState(null, "", at(path));
    void this.#show();
  }

  async #show(): Promise<void> {
    this.path = below(location.pathname);
    await tick();
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }
}

/** Address of a page. */
export function at(path: string): string {
  return BASE + path;
}

function below(pathname: string): string {
  return pathname.slice(BASE.length).replace(/\/+$/, "") || "/";
}

export const route = new Route();
