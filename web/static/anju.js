// Keeps the page as it is now: when the server says that something changed, the page is fetched and its <main> is swapped.
"use strict";
(() => {
  const main = document.getElementById("live");
  const line = document.getElementById("line");
  const SILENT_MS = 25000; // the server says something every 10 s
  const STALE_MS = 30000; // "3 minutes ago" must become 4
  const SETTLE_MS = 400; // after things moved, a tap is not meant for what has just come under the finger
  let source = null, heardAt = 0, fetchedAt = Date.now(), fetching = false, again = false, pressed = false;

  function tell(isLive) {
    line.hidden = false;
    line.textContent = isLive ? line.dataset.live : line.dataset.lost;
    line.classList.toggle("lost", !isLive);
  }

  function swap(fresh) {
    const next = fresh.getElementById("live");
    if (!next) return;
    document.title = fresh.title;
    main.dataset.signal = next.dataset.signal;
    if (next.innerHTML === swap.last) return;
    swap.last = next.innerHTML;
    const focused = document.activeElement;
    const places = [focused.id && `#${CSS.escape(focused.id)}`, focused.value && `button[value="${CSS.escape(focused.value)}"]`];
    const hadFocus = main.contains(focused);
    const opened = [...main.querySelectorAll("details[open][id]")].map((one) => one.id);
    const chosen = [...main.querySelectorAll("select[id], input[id]")].map((one) => [one.id, one.value, one.checked]);
    const scrolled = [...main.querySelectorAll("[id]")].filter((one) => one.scrollTop).map((one) => [one.id, one.scrollTop]);
    const { scrollX, scrollY } = window;
    main.replaceChildren(...document.importNode(next, true).childNodes);
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, value, checked] of chosen) {
      const one = document.getElementById(id);
      if (one) [one.value, one.checked] = [value, checked];
    }
    for (const [id, top] of scrolled) document.getElementById(id)?.scrollTo(0, top);
    window.scrollTo(scrollX, scrollY);
    if (hadFocus) places.map((place) => place && main.querySelector(place)).find(Boolean)?.focus({ preventScroll: true });
    main.classList.add("settling");
    setTimeout(() => main.classList.remove("settling"), SETTLE_MS);
  }

  async function refresh() {
    if (fetching || pressed) { again = true; return; }
    fetching = true;
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        fetchedAt = Date.now();
        if (pressed) again = true; else swap(fresh);
      } else fetchedAt = 0; // tried again soon
    } catch { fetchedAt = 0; }
    fetching = false;
    if (again && !pressed) refresh();
  }

  function close() { source?.close(); source = null; }

  function open() {
    close();
    heardAt = Date.now();
    source = new EventSource(`/events?community=${encodeURIComponent(main.dataset.community)}`);
    source.addEventListener("change", (event) => {
      heardAt = Date.now();
      tell(true);
      if (event.data !== main.dataset.signal) refresh();
    });
    source.addEventListener("alive", () => { heardAt = Date.now(); tell(true); });
    source.onerror = () => {
      tell(false);
      if (source?.readyState === EventSource.CLOSED) heardAt = 0;
    };
  }

  setInterval(() => {
    if (document.hidden) return;
    if (Date.now() - heardAt > SILENT_MS) { tell(false); open(); }
    if (Date.now() - fetchedAt > STALE_MS) refresh();
  }, 2000);
  // A browser allows six connections to one server: a page that nobody sees must not hold one.
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else { open(); refresh(); } });
  // What is being pressed must not be swapped under the finger.
  addEventListener("pointerdown", () => { pressed = true; });
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, () => setTimeout(() => { pressed = false; if (again) refresh(); }, 50));
  }
  for (const select of document.querySelectorAll("select[data-submits]")) {
    select.addEventListener("change", () => select.form.submit());
    select.form.classList.add("scripted");
  }
  const here = new URL(location.href);
  if (here.searchParams.has("said")) { // said once
    for (const name of ["said", "home"]) here.searchParams.delete(name);
    history.replaceState(null, "", here);
  }
  swap.last = main.innerHTML;
  open();
})();
