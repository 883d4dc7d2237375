/** Where this phone is, once somebody asked for it by a tap; it stays on the phone. */

import { Plane } from "./plane";

const STEADY = { enableHighAccuracy: true, maximumAge: 15_000, timeout: 20_000 };
/** So near an incident is offered by "I'm near". */
export const NEAR_M = 300;

interface Lying {
  lon_deg: number | null;
  lat_deg: number | null;
}

export class Nearby {
  at = $state.raw<[number, number]>();
  asking = $state(false);
  denied = $state(false);
  #watch: number | undefined;

  ask(): void {
    if (this.#watch !== undefined) return;
    if (!("geolocation" in navigator)) return void (this.denied = true);
    this.asking = true;
    this.denied = false;
    this.#watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        this.asking = false;
        this.at = [coords.longitude, coords.latitude];
      },
      () => {
        this.denied = this.at === undefined;
        this.close();
      },
      STEADY,
    );
  }

  close(): void {
    if (this.#watch !== undefined) navigator.geolocation.clearWatch(this.#watch);
    this.#watch = undefined;
    this.asking = false;
  }

  /** How far something is; null where either is not known. */
  metres({ lon_deg, lat_deg }: Lying): number | null {
    if (!this.at || lon_deg === null || lat_deg === null) return null;
    return Math.hypot(...new Plane(this.at).metres([lon_deg, lat_deg]));
  }

  /** The nearest first, what nobody knows the place of behind; else as they come. */
  sorted<T extends Lying>(among: readonly T[]): T[] {
    if (!this.at) return [...among];
    const far = new Map(among.map((one) => [one, this.metres(one) ?? Infinity]));
    return among.toSorted((a, b) => far.get(a)! - far.get(b)! || 0);
  }
}
