/** Messages to this phone while the app is closed (web push, RFC 8030). */

import { ask } from "./coming";

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
    await ask("POST /api/push", { endpoint, keys });
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
    await ask("DELETE /api/push", { endpoint: subscription.endpoint });
    await subscription.unsubscribe();
  }
  return "off";
}
