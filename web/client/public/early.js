/*
 * Asks for what the first page shows while the client itself is still on its way: on a slow line that is two turns less.
 * `lib/api.ts` takes the answers over; whatever it asks for otherwise is simply asked for twice.
 */
(() => {
  if (window.early === null) return; // the client is there, and hears what is new
  const early = (window.early = new Map());
  const kept = ["language", "community"].map((name) => [name === "language" ? "lang" : name, localStorage.getItem(name)]);
  const query = new URLSearchParams(kept.filter(([, value]) => value !== null)).toString();
  const ask = (path) => {
    const url = `${location.origin}${path}${query && `?${query}`}`;
    const asked = fetch(url, { signal: AbortSignal.timeout?.(10_000) });
    asked.catch(() => null);
    early.set(url, asked);
    return asked;
  };
  const me = ask("/api/me");
  const incident = /^\/app\/incidents\/([^/]+)$/.exec(location.pathname)?.[1];
  if (incident) ask(`/api/incidents/${encodeURIComponent(decodeURIComponent(incident))}`);
  if (location.pathname === "/app/") {
    me.then((answer) => (answer.ok ? answer.clone().json() : null))
      .then((who) => who?.homes[0] && ask(`/api/homes/${encodeURIComponent(who.homes[0].id)}`))
      .catch(() => null);
  }
})();
