/** Lines of a floor plan as fences: kept by the same way as those that are drawn on the map. */

import { answer, api } from "./api";
import { degrees, type Line, type Plan, type Spot } from "./plan";

/** Keeps lines that are new or other than they were, and takes away those that are gone; in words what an administrator has to agree to. */
export async function keep(home: string, floor: NonNullable<Plan["floor"]>, before: readonly Line[], after: readonly Line[], name: string): Promise<string[]> {
  const known = new Map(before.map((one) => [one.id, one]));
  const changed = after.filter((one) => JSON.stringify(known.get(one.id)) !== JSON.stringify(one));
  const gone = before.filter((one) => !after.some((other) => other.id === one.id));
  if (!changed.length && !gone.length) return [];
  const { fences } = await answer(api.GET("/api/fences", { params: { query: { home } } }));
  const said: string[] = [];
  for (const line of changed) {
    const now = fences.find((one) => one.id === line.id);
    const geometry = { type: "LineString", coordinates: line.path.map((one) => degrees(floor, one as Spot)) };
    const wish = { home, kind: "line" as const, geometry, datum: "wgs84" as const, near: line.near, approach_m: line.approach_m };
    const kept = now
      ? await answer(
          api.PUT("/api/fences/{fence_id}", {
            params: { path: { fence_id: line.id } },
            body: { ...wish, name: now.name || name, events: now.events, modes: now.modes, schedule: now.schedule, tag: now.tag },
          }),
        )
      : await answer(api.POST("/api/fences", { body: { ...wish, name, modes: ["away", "night"] } }));
    if (kept.state === "waiting") said.push(kept.state_words);
  }
  for (const line of gone) {
    const tag = fences.find((one) => one.id === line.id)?.tag ?? "";
    await answer(api.DELETE("/api/fences/{fence_id}", { params: { path: { fence_id: line.id } }, body: { tag } }));
  }
  return said;
}
