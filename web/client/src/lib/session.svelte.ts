/** Whoever is signed in, how they like the pages, and what was just said to them. */

import { getLocale, setLocale } from "../paraglide/runtime";
import type { Action, Language, Me } from "./model";

/** How a language is set, for the browser's fonts and voices. */
const TAGS: Record<Language, string> = { zh: "zh-Hans-CN", "zh-Hant": "zh-Hant-HK", en: "en-GB" };

/** As it was chosen on this device, else as the browser says; until the server is heard. */
function first(): Language {
  const chosen = localStorage.getItem("language");
  if (chosen && chosen in TAGS) void setLocale(chosen as Language, { reload: false });
  document.documentElement.lang = TAGS[getLocale()];
  return getLocale();
}

class Session {
  me = $state.raw<Me>();
  language = $state<Language>(first());
  /** Which of several homes is looked at. */
  home = $state("");
  large = $state(localStorage.getItem("large") === "true");
  /** Few words, for who lives at home. */
  simple = $state(localStorage.getItem("simple") === "true");
  said = $state("");
  #clearing: ReturnType<typeof setTimeout> | undefined;

  /** Takes over what the server knows of whoever is signed in. */
  enter(me: Me): void {
    this.me = me;
    if (me.language !== getLocale()) void setLocale(me.language, { reload: false });
    this.language = me.language;
    document.documentElement.lang = TAGS[me.language];
  }

  /** From now on, on this device: everything is asked for anew. */
  speak(language: Language): void {
    localStorage.setItem("language", language);
    location.reload();
  }

  /** Of several communities, the one that is looked at. */
  visit(community: string): void {
    localStorage.setItem("community", community);
    location.assign("/app/");
  }

  /** On this device. */
  enlarge(large: boolean): void {
    this.large = large;
    localStorage.setItem("large", String(large));
    document.documentElement.classList.toggle("large", large);
  }

  /** On this device: it goes with large letters. */
  simplify(simple: boolean): void {
    this.simple = simple;
    localStorage.setItem("simple", String(simple));
    if (simple) this.enlarge(true);
  }

  may(action: Action): boolean {
    return this.me?.may.includes(action) ?? false;
  }

  /** Says something in passing, to eyes and to screen readers. */
  say(words: string): void {
    clearTimeout(this.#clearing);
    this.said = words;
    this.#clearing = setTimeout(() => (this.said = ""), 6_000);
  }

  /** A day of the week in short, Monday 0. */
  weekday(day: number): string {
    return new Intl.DateTimeFormat(TAGS[this.language], { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2026, 5, 1 + day));
  }

  /** A day and a time of it. */
  day(at_ms: number): string {
    return new Intl.DateTimeFormat(TAGS[this.language], { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }).format(at_ms);
  }

  clock(at_ms: number, seconds = false): string {
    return new Intl.DateTimeFormat(TAGS[this.language], { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) }).format(at_ms);
  }
}

export const session = new Session();
