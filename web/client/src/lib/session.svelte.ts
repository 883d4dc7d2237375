/** Whoever is signed in, how they like the pages, and what was just said to them. */

import { getLocale, setLocale } from "../paraglide/runtime";
import type { Action, Language, Me } from "./model";

/** How a language is set, for the browser's fonts and voices. */
const TAGS: Record<Language, string> = { zh: "zh-Hans-CN", "zh-Hant": "zh-Hant-HK", en: "en-GB" };

class Session {
  me = $state.raw<Me>();
  language = $state<Language>(getLocale());
  /** Which of several homes is looked at. */
  home = $state("");
  said = $state("");
  #clearing: ReturnType<typeof setTimeout> | undefined;

  /** Takes over what the server knows of whoever is signed in. */
  enter(me: Me): void {
    this.me = me;
    this.speak(me.language);
    this.enlarge(me.large_type);
  }

  speak(language: Language): void {
    if (language !== getLocale()) void setLocale(language, { reload: false });
    this.language = language;
    document.documentElement.lang = TAGS[language];
  }

  enlarge(large: boolean): void {
    document.documentElement.classList.toggle("large", large);
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

  clock(at_ms: number): string {
    return new Intl.DateTimeFormat(TAGS[this.language], { hour: "2-digit", minute: "2-digit" }).format(at_ms);
  }
}

export const session = new Session();
