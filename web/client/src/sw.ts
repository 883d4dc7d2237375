/** Keeps the client itself for a bad line, and shows what is pushed. What the server knows is never kept: it would be old. */

import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] };

precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();
registerRoute(new NavigationRoute(createHandlerBoundToURL("index.html")));

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** An answer by one tap: its words, and what is said once it was taken. */
interface Button {
  do: string;
  words: string;
  done: string;
}

interface Pushed {
  tag?: string;
  text?: string;
  community?: string;
  /** What can be looked at; none of a mere word. */
  incident?: string | null;
  buttons?: Button[];
}

/** As browsers have it, and the types of TypeScript do not. */
type Shown = NotificationOptions & { renotify: boolean; actions?: { action: string; title: string }[] };

self.addEventListener("push", (event) => {
  const pushed = said(event.data);
  event.waitUntil(tell(pushed, pushed.text ?? "", pushed.buttons ?? []));
});

/** In the place of what was shown of it before. */
async function tell(about: Pushed, body: string, buttons: Button[]): Promise<void> {
  const shown: Shown = {
    body,
    icon: "/app/icon-192.png",
    data: about,
    requireInteraction: true,
    renotify: about.tag !== undefined,
    actions: buttons.map((one) => ({ action: one.do, title: one.words })),
    ...(about.tag === undefined ? {} : { tag: about.tag }),
  };
  await self.registration.showNotification("安居 Anju", shown);
}

/** A push service must be answered by something that is shown, whatever it brought. */
function said(data: PushMessageData | null): Pushed {
  try {
    return (data?.json() as Pushed | undefined) ?? {};
  } catch {
    return { text: data?.text() ?? "" };
  }
}

self.addEventListener("notificationclick", (event) => {
  const about = (event.notification.data ?? {}) as Pushed;
  event.notification.close();
  const button = about.buttons?.find((one) => one.do === event.action);
  event.waitUntil(button ? take(about, button) : show(place(about)));
});

function place({ incident }: Pushed): string {
  if (incident) return `/app/incidents/${encodeURIComponent(incident)}`;
  return incident === null ? "/app/" : "/app/incidents";
}

/** Says what somebody tapped; where that is not taken, the incident is shown, and says why. */
async function take(about: Pushed, button: Button): Promise<void> {
  const asked = new URLSearchParams(about.community ? { community: about.community } : {});
  const acts = `/api/incidents/${encodeURIComponent(about.incident ?? "")}/acts?${asked}`;
  const answer = await fetch(acts, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ do: button.do }) }).catch(() => null);
  if (answer?.ok) await tell({ ...about, buttons: [] }, button.done, []);
  else await show(place(about));
}

async function show(path: string): Promise<void> {
  const open = await self.clients.matchAll({ type: "window" });
  const ours = open.find((one) => new URL(one.url).pathname.startsWith("/app/"));
  if (!ours) return void (await self.clients.openWindow(path));
  await ours.focus().catch(() => null); // a browser may think that nobody asked for it
  ours.postMessage({ show: path });
}
