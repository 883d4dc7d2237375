/** Who is on the floor just now, as radars see them: by a stream of the server's, while the page is looked at. */

import { chosen } from "./api";
import type { Spot } from "./plan";

const TRAIL_MS = 4_000;
const LOST_MS = 2_500;
const QUIET_MS = 5_000;
const AGAIN_MS = 2_000;
const TRIPPED_MS = 6_000;
/** Of one radar, the ways of so many people, and so many places of each. */
const WAYS = 60;
const PLACES = 400;
/** How much of the way to where somebody is a dot goes within a frame of the screen. */
const EASE = 0.35;

export interface Someone {
  key: string;
  /** Where they are, and where their dot is drawn. */
  at: Spot;
  drawn: Spot;
  sure: boolean;
  seen: number;
  age_ms: number;
  away: Record<string, number>;
  trail: { at: Spot; when: number }[];
}

export interface Trip {
  line: string;
  kind: "approach" | "cross";
  is_try: boolean;
  when: number;
}

interface Look {
  radar: string;
  age_ms: number;
  targets: { id: number; sure: boolean; place: Spot; from_line_m: Record<string, number> }[];
}

export class Targets {
  people = $state.raw<Someone[]>([]);
  trips = $state.raw<Trip[]>([]);
  /** Whether the stream is heard. */
  ok = $state(false);
  /** When a radar said anything last, in ms; 0: never. */
  said = $state(0);
  /** Hears of each trip as it comes. */
  ontrip: (trip: Trip) => void = () => undefined;
  /** Hears of each frame: where those are who are somebody for certain. */
  onlook: (radar: string, people: Spot[], when: number) => void = () => undefined;
  /** Hears that somebody vanished whom a radar saw, and of all whom it saw come and vanish. */
  onvanish: (radar: string, ways: Spot[][]) => void = () => undefined;

  #home: string;
  #source: EventSource | undefined;
  #heard = 0;
  #frame = 0;
  #going = new Map<string, { radar: string; places: Spot[]; seen: number }>();
  #gone = new Map<string, Spot[][]>();
  #timer: ReturnType<typeof setInterval>;
  #still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  constructor(home: string) {
    this.#home = home;
    this.#open();
    document.addEventListener("visibilitychange", this.#look);
    this.#timer = setInterval(this.#look, 1_000);
    this.#frame = requestAnimationFrame(this.#move);
  }

  close(): void {
    this.#source?.close();
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
    document.removeEventListener("visibilitychange", this.#look);
  }

  #open(): void {
    this.#heard = Date.now();
    const source = new EventSource(`/api/homes/${encodeURIComponent(this.#home)}/targets?${new URLSearchParams(chosen())}`);
    this.#source = source;
    const hear = (): void => {
      this.#heard = Date.now();
      this.ok = true;
    };
    source.addEventListener("alive", hear);
    source.addEventListener("seen", ({ data }: MessageEvent<string>) => {
      hear();
      for (const look of JSON.parse(data) as Look[]) this.#see(look);
    });
    source.addEventListener("tripped", ({ data }: MessageEvent<string>) => {
      hear();
      const trip: Trip = { ...(JSON.parse(data) as Omit<Trip, "when">), when: Date.now() };
      this.trips = [...this.trips.filter((one) => one.line !== trip.line || (!one.is_try && trip.is_try && fresh(one))), trip];
      this.ontrip(trip);
    });
  }

  #see({ radar, age_ms, targets }: Look): void {
    const now = Date.now();
    this.said = now;
    const before = new Map(this.people.map((one) => [one.key, one]));
    const seen = targets.map(({ id, sure, place, from_line_m }): Someone => {
      const key = `${radar}/${id}`;
      const known = before.get(key);
      return {
        key,
        at: place,
        drawn: known && !this.#still ? known.drawn : place,
        sure,
        seen: now,
        age_ms,
        away: from_line_m,
        trail: [...(known?.trail ?? []), { at: place, when: now }].filter((one) => now - one.when < TRAIL_MS),
      };
    });
    const others = this.people.filter((one) => !one.key.startsWith(`${radar}/`));
    this.people = [...others, ...seen];
    const sure = targets.filter((one) => one.sure);
    for (const { id, place } of sure) {
      const way = this.#going.get(`${radar}/${id}`) ?? { radar, places: [], seen: now };
      this.#going.set(`${radar}/${id}`, { radar, places: [...way.places.slice(1 - PLACES), place], seen: now });
    }
    this.onlook(radar, sure.map((one) => one.place), now);
  }

  /** From now on radars hang elsewhere. */
  forget(): void {
    this.#going.clear();
    this.#gone.clear();
  }

  #look = (): void => {
    const now = Date.now();
    if (document.hidden) {
      this.#source?.close();
      this.#source = undefined;
      this.ok = false;
      this.#going.clear(); // nobody knows how they went on
    } else if (!this.#source || this.#source.readyState === EventSource.CLOSED) {
      if (now - this.#heard > AGAIN_MS || !this.#source) this.#open();
    }
    if (now - this.#heard > QUIET_MS) this.ok = false;
    if (this.people.some((one) => now - one.seen > LOST_MS)) this.people = this.people.filter((one) => now - one.seen <= LOST_MS);
    for (const [key, { radar, places, seen }] of this.#going) {
      if (now - seen <= LOST_MS) continue;
      this.#going.delete(key);
      const ways = [...(this.#gone.get(radar) ?? []).slice(1 - WAYS), places];
      this.#gone.set(radar, ways);
      this.onvanish(radar, ways);
    }
    if (this.trips.some((one) => !fresh(one))) this.trips = this.trips.filter(fresh);
  };

  #move = (): void => {
    if (this.people.some((one) => one.drawn[0] !== one.at[0] || one.drawn[1] !== one.at[1])) {
      this.people = this.people.map((one) => {
        const gap: Spot = [one.at[0] - one.drawn[0], one.at[1] - one.drawn[1]];
        const there = Math.hypot(...gap) < 0.005;
        return { ...one, drawn: there ? one.at : [one.drawn[0] + EASE * gap[0], one.drawn[1] + EASE * gap[1]] };
      });
    }
    this.#frame = requestAnimationFrame(this.#move);
  };
}

function fresh(trip: Trip): boolean {
  return Date.now() - trip.when < TRIPPED_MS;
}
