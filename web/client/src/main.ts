import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { live } from "./lib/live.svelte";
import { route } from "./lib/route.svelte";

route.start();
live.start();
const target = document.getElementById("app");
if (target) mount(App, { target });

if ("serviceWorker" in navigator) {
  const renewing = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => (route.renewed = renewing));
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ show?: string }>) => {
    if (data.show?.startsWith("/app/")) route.go(data.show.slice("/app".length));
  });
  void navigator.serviceWorker.register("/app/sw.js", { scope: "/app/", updateViaCache: "none" });
}
