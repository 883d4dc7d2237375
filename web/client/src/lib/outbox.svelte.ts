/**
 * What somebody did about an incident, until the server has it: on a bad line it is sent again, and counts once.
 *
 * Each act has an id of its own and says how the incident stood when it was done: where it stands otherwise by then, the server refuses.
 */

import { m } from "../paraglide/messages";
import { api, answer, Refused } from "./api";
import { live } from "./live.svelte";
import type { Act, Story } from "./model";
import { session } from "./session.svelte";

const AGAIN_MS = 3_000;
/** What could not be sent for so long is not meant any more: whoever did it is told to look again. */
const OLDEST_MS = 10 * 60_000;
const KEY = "acts";

export interface Waiting {
  id: string;
  by: string;
  community: string;
  incident: string;
  /** In words, as its button says. */
  words: string;
  at: number;
  body: Act;
}

function kept(): Waiting[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Waiting[];
  } catch {
    return [];
  }
}

/** Told by the server, and not by the line or something between. */
function isFinal(error: unknown): error is Refused {
  return error instanceof Refused && error.status < 500 && error.status !== 401;
}

class Outbox {
  waiting = $state.raw<Waiting[]>(kept());
  #busy = false;

  start(): void {
    setInterval(() => void this.#sendAll(), AGAIN_MS);
    addEventListener("online", () => void this.#sendAll());
  }

  of(incident: string): Waiting[] {
    return this.waiting.filter((one) => one.incident === incident);
  }

  /** The incident as it is afterwards; null where the act waits for the line. Raises `Refused`. */
  async say(incident: string, words: string, body: Act): Promise<Story | null> {
    const id = crypto.randomUUID();
    const said: Waiting = { id, by: session.me?.id ?? "", community: session.me?.community.id ?? "", incident, words, at: Date.now(), body: { ...body, id } };
    this.#keep([...this.waiting, said]);
    if (live.ok === false) return null;
    try {
      const story = await this.#send(said);
      this.#drop(said);
      return story;
    } catch (error) {
      if (!isFinal(error)) return null;
      this.#drop(said);
      throw error;
    }
  }

  async #send({ incident, at, body }: Waiting): Promise<Story> {
    const past_min = (Date.now() - at) / 60_000;
    const left = body.eta_min ? { eta_min: Math.max(1, body.eta_min - past_min) } : {}; // they set off when they said so
    return answer(api.POST("/api/incidents/{incident_id}/acts", { params: { path: { incident_id: incident } }, body: { ...body, ...left } }));
  }

  async #sendAll(): Promise<void> {
    const mine = this.waiting.filter((one) => one.by === session.me?.id && one.community === session.me.community.id);
    if (this.#busy || mine.length === 0) return;
    this.#busy = true;
    for (const one of mine) {
      if (Date.now() - one.at > OLDEST_MS) {
        this.#drop(one);
        session.say(m.desk_unsent({ what: one.words }));
        continue;
      }
      if (!live.ok || Date.now() - one.at < AGAIN_MS) continue; // the first try is still on its way
      try {
        await this.#send(one);
        this.#drop(one);
        session.say(m.noted());
      } catch (error) {
        if (!isFinal(error)) break;
        this.#drop(one);
        session.say(error.words || m.desk_unsent({ what: one.words }));
      }
    }
    this.#busy = false;
  }

  #drop(one: Waiting): void {
    this.#keep(this.waiting.filter((other) => other.id !== one.id));
  }

  #keep(waiting: Waiting[]): void {
    this.waiting = waiting;
    localStorage.setItem(KEY, JSON.stringify(waiting));
  }
}

export const outbox = new Outbox();
