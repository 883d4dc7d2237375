import { untrack } from "svelte";

import { Refused } from "./api";
import { live } from "./live.svelte";

const AGAIN_MS = 3_000;

/**
 * Something of the server's, fetched again whenever the server says that something changed, and kept while that is not possible.
 *
 * Made while a component is. One request at a time: on a slow line, changes that come faster than answers are fetched together.
 */
export class Resource<T> {
  value = $state.raw<T>();
  /** Why the last look did not succeed: the status that the server gave, 0 where none came. */
  failed = $state<number | null>(null);
  /** When the value was asked for, in ms since 1970. */
  at = $state(0);

  #load: (signal: AbortSignal) => Promise<T>;
  #leaving = new AbortController();
  #busy = false;
  #wanted = 0;

  constructor(load: (signal: AbortSignal) => Promise<T>, news: () => unknown = () => live.version) {
    this.#load = load;
    $effect(() => {
      news();
      untrack(() => this.refresh());
    });
    $effect(() => () => this.#leaving.abort());
  }

  /** Whether the value may be old by now. */
  get stale(): boolean {
    return live.ok === false || this.failed !== null || (live.ok === true && this.at < live.since);
  }

  refresh(): void {
    this.#wanted += 1;
    if (!this.#busy) void this.#fetch();
  }

  /** What the server answered to a change of it. */
  put(value: T): void {
    this.#wanted += 1; // what is on its way was asked for before
    this.#take(value, Date.now());
  }

  async #fetch(): Promise<void> {
    this.#busy = true;
    let asked = -1;
    while (asked !== this.#wanted && !this.#leaving.signal.aborted) {
      asked = this.#wanted;
      const at = Date.now();
      try {
        const value = await this.#load(this.#leaving.signal);
        if (asked === this.#wanted) this.#take(value, at);
      } catch (error) {
        if (this.#leaving.signal.aborted) break;
        this.failed = error instanceof Refused ? error.status : 0;
        if (this.failed === 0 || this.failed >= 500) setTimeout(() => this.#leaving.signal.aborted || this.refresh(), AGAIN_MS);
        break;
      }
    }
    this.#busy = false;
  }

  #take(value: T, at: number): void {
    this.value = value;
    this.at = at;
    this.failed = null;
  }
}
