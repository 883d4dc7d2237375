/** Keeps the client itself for a bad line, and shows what is pushed. What the server knows is never kept: it would be old. */

import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] };

precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();
registerRoute(new NavigationRoute(createHandlerBoundToURL("index.html")));

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

interface Pushed {
  tag?: string;
  text?: string;
  incident?: string;
}

self.addEventListener("push", (event) => {
  const { tag, text, incident } = said(event.data);
  const shown: NotificationOptions & { renotify: boolean } = {
    body: text ?? "",
    icon: "/app/icon-192.png",
    data: { incident },
    requireInteraction: true,
    renotify: tag !== undefined,
    ...(tag === undefined ? {} : { tag }),
  };
  event.waitUntil(self.registration.showNotification("安居 Anju", shown));
});

/** A push service must be answered by something that is shown, whatever it brought. */
function said(data: PushMessageData | null): Pushed {
  try {
    return (data?.json() as Pushed | undefined) ?? {};
  } catch {
    return { text: data?.text() ?? "" };
  }
}

self.addEventListener("notificationclick", (event) => {
  const { incident } = (event.notification.data ?? {}) as Pushed;
  event.notification.close();
  event.waitUntil(show(incident ? `/app/incidents/${encodeURIComponent(incident)}` : "/app/incidents"));
});

async function show(path: string): Promise<void> {
  const open = await self.clients.matchAll({ type: "window" });
  const ours = open.find((one) => new URL(one.url).pathname.startsWith("/app/"));
  if (!ours) return void (await self.clients.openWindow(path));
  await ours.focus();
  ours.postMessage({ show: path });
}
