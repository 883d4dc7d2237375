/**
 * Whether what a page shows is how it is now.
 *
 * The server says something at least every two seconds. A page that hears nothing for longer than QUIET_MS is not live, whatever the
 * network says of itself: half-open connections, sleeping phones and proxies all look connected.
 */

import { api, chosen, forgetEarly } from "./api";

export const QUIET_MS = 4_500;
const LOOK_MS = 500;
const AGAIN_MS = 2_000;
/** Words such as "5 minutes ago" grow old without any change. */
const REWORD_MS = 60_000;

class Live {
  /** Whether the server was heard a moment ago; null before it was ever heard. */
  ok = $state<boolean | null>(null);
  /** Grows with every change that the server tells, and with every new connection. */
  version = $state(0);
  /** Since when it is heard without a break, in ms since 1970. */
  since = $state(0);

  #source: EventSource | null = null;
  #heard = Date.now();
  #again = 0;
  #reworded = Date.now();

  start(): void {
    this.#connect();
    setInterval(() => this.#look(), LOOK_MS);
    addEventListener("offline", () => this.#lose());
    addEventListener("online", () => this.#connect());
    for (const woken of ["visibilitychange", "pageshow"]) addEventListener(woken, () => this.#look());
  }

  #connect(): void {
    this.#source?.close();
    this.#again = Date.now() + QUIET_MS;
    const source = new EventSource(`/api/events?${new URLSearchParams(chosen())}`);
    this.#source = source;
    source.addEventListener("open", () => this.#hear(false));
    source.addEventListener("change", () => this.#hear(true));
    source.addEventListener("alive", () => this.#hear(false));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) void api.GET("/api/me").catch(() => null); // who is signed in no more is sent to sign in
      this.#lose();
    });
  }

  #hear(changed: boolean): void {
    this.#heard = Date.now();
    forgetEarly();
    if (!this.ok) this.since = this.#heard;
    if (!this.ok || changed) this.#renew();
    this.ok = true;
  }

  #renew(): void {
    this.#reworded = Date.now();
    this.version += 1;
  }

  #lose(): void {
    if (this.ok) this.ok = false;
    this.#again = Math.min(this.#again, Date.now() + AGAIN_MS);
  }

  #look(): void {
    const now = Date.now();
    const heard = now - this.#heard <= QUIET_MS;
    if (!heard) this.ok = false;
    if (this.ok) {
      if (now - this.#reworded > REWORD_MS) this.#renew();
    } else if (now >= this.#again) this.#connect();
  }
}

export const live = new Live();
