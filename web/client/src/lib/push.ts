/** Messages to this phone while the app is closed (web push, RFC 8030). */

import { api, answer } from "./api";

export type Push = "on" | "off" | "denied" | "install" | "none";

/** Whether this browser is told; `install` where that takes the app on the home screen first (iPhone and iPad). */
export async function pushState(): Promise<Push> {
  if (!("serviceWorker" in navigator)) return "none";
  if (!("PushManager" in window)) return /iPhone|iPad/.test(navigator.userAgent) ? "install" : "none";
  if (Notification.permission === "denied") return "denied";
  const registration = await navigator.serviceWorker.ready;
  return (await registration.pushManager.getSubscription()) ? "on" : "off";
}

/** Asks for permission, and has this browser told. */
export async function subscribe(key: string): Promise<Push> {
  const registration = await navigator.serviceWorker.ready;
  try {
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const { endpoint, keys } = subscription.toJSON();
    const body = { endpoint: endpoint ?? "", keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" } };
    await answer(api.POST("/api/push", { body }));
  } catch (error) {
    if (Notification.permission === "denied") return "denied";
    throw error;
  }
  return "on";
}

/** Has this browser told no more. */
export async function unsubscribe(): Promise<Push> {
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.getSubscription();
  if (subscription) {
    await answer(api.DELETE("/api/push", { body: { endpoint: subscription.endpoint } }));
    await subscription.unsubscribe();
  }
  return "off";
}
