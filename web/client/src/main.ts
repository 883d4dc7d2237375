import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { live } from "./lib/live.svelte";
import { outbox } from "./lib/outbox.svelte";
import { route } from "./lib/route.svelte";
import { session } from "./lib/session.svelte";

/** The whole client is fetched for a bad line once the page stands: before, it would only be in the way of what is looked at. */
const SETTLED_MS = 2_000;

session.enlarge(session.large);
route.start();
live.start();
outbox.start();
const target = document.getElementById("app");
if (target) mount(App, { target });

if ("serviceWorker" in navigator) {
  const renewing = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => (route.renewed = renewing));
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ show?: string }>) => {
    if (data.show?.startsWith("/app/")) route.go(data.show.slice("/app".length));
  });
  const registering = new Promise((settled) => setTimeout(settled, SETTLED_MS)).then(() => navigator.serviceWorker.register("/app/sw.js", { scope: "/app/", updateViaCache: "none" }));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void registering.then((it) => it.update()).catch(() => null); // an app may stay open for weeks
  });
}
