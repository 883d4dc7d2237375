/** Of the routes that the server's document does not describe yet: what they take and answer. */

import { fetched, Refused } from "./api";
import type { Language } from "./model";

export interface Settings {
  language: Language;
  large_type: boolean;
  quiet: { from: string; to: string } | null;
  daily_all_well: boolean;
  day_after: boolean;
}

export interface TestRun {
  id: string;
  over: boolean;
  broken: boolean;
  words: string;
  links: { words: string; state: "waiting" | "done" | "broken"; more_words: string }[];
}

export interface Consent {
  purpose: string;
  recipient: string;
  purpose_words: string;
  recipient_words: string;
  given: boolean;
  since_words: string;
}

export interface Consents {
  consents: Consent[];
  history: { at_words: string; words: string }[];
}

interface Routes {
  "GET /api/me/settings": Settings;
  "PUT /api/me/settings": Settings;
  "GET /api/consents": Consents;
  "PUT /api/consents": Consents;
  "POST /api/push": unknown;
  "DELETE /api/push": unknown;
  [test: `POST /api/homes/${string}/test-alarm`]: TestRun;
  [run: `GET /api/tests/${string}`]: TestRun;
}

/** The answer, or `Refused`. */
export async function ask<R extends keyof Routes & string>(route: R, body?: unknown, signal?: AbortSignal): Promise<Routes[R]> {
  const [method = "GET", path = "/"] = route.split(" ");
  const asked: RequestInit = { method, ...(signal ? { signal } : {}) };
  if (body !== undefined) Object.assign(asked, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const response = await fetched(new Request(new URL(path, location.origin), asked));
  if (!response.ok) throw new Refused(response.status, "");
  return (response.status === 204 ? null : await response.json()) as Routes[R];
}
