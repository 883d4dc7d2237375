/** Asks the server, by the types of its own OpenAPI document. */

import createClient from "openapi-fetch";

import type { paths } from "../schema";

/** What became of a request that was not answered as wished. `words` are the server's own, where it gave any. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly words: string,
  ) {
    super(words || String(status));
  }
}

/** Long enough for a bad line, and short enough that somebody in need is told to telephone instead. */
const TIMEOUT_MS = 10_000;

declare global {
  interface Window {
    /** What `early.js` has asked for already, by its address; null: from now on that is not wanted. */
    early?: Map<string, Promise<Response>> | null;
  }
}

/** From now on answers from before may be old, and so may those that come late. */
export function forgetEarly(): void {
  window.early = null;
}

async function fetched(request: Request): Promise<Response> {
  const early = request.method === "GET" ? window.early?.get(request.url) : undefined;
  window.early?.delete(request.url);
  const begun = await early?.catch(() => undefined);
  return begun?.ok ? begun : fetchedAnew(request);
}

async function fetchedAnew(request: Request): Promise<Response> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), TIMEOUT_MS);
  request.signal.addEventListener("abort", () => ending.abort());
  const response = await fetch(request, { signal: ending.signal }).finally(() => clearTimeout(timer));
  if (response.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  return response;
}

/** What was chosen in the app: the language of words, and which of several communities; else cookies and browsers say. */
export function chosen(): Record<string, string> {
  const kept = { lang: localStorage.getItem("language"), community: localStorage.getItem("community") };
  return Object.fromEntries(Object.entries(kept).filter((one): one is [string, string] => one[1] !== null));
}

export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: fetched,
  querySerializer: (query) => new URLSearchParams({ ...(query as Record<string, string>), ...chosen() }).toString(),
});

/** The answer, or `Refused`. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw new Refused(response.status, wordsOf(error));
  return data as T;
}

function wordsOf(error: unknown): string {
  const words = error && typeof error === "object" && "words" in error ? error.words : "";
  return typeof words === "string" ? words : "";
}
