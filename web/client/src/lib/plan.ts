/** Plane geometry of a home's floor: metres to the right and ahead of its origin. */

import type { components } from "../schema";

type Schemas = components["schemas"];
export type Plan = Schemas["PlanShown"];
export type Room = Schemas["PlanRoom"];
export type Opening = Schemas["PlanOpening"];
export type Spot = [number, number];
export type Line = Plan["lines"][number];

/** A radar that hangs somewhere. */
export interface Radar {
  id: string;
  place: Spot;
  heading_deg: number;
  height_m: number;
}

/** What is being drawn. */
export interface Draft {
  rooms: Room[];
  openings: Opening[];
  radars: Radar[];
  lines: Line[];
}

export interface Box {
  left: number;
  bottom: number;
  width: number;
  height: number;
}

const STEP_M = 0.05;
const SNAP_M = 0.3;

export function draftOf(plan: Plan): Draft {
  return {
    rooms: plan.rooms,
    openings: plan.openings,
    radars: plan.radars.flatMap((one) => (one.place ? [{ id: one.id, place: one.place as Spot, heading_deg: one.heading_deg ?? 0, height_m: one.height_m }] : [])),
    lines: plan.lines,
  };
}

export function rounded(value: number, step = STEP_M): number {
  return Math.round(Math.round(value / step) * step * 1000) / 1000;
}

export function plus([x, y]: readonly number[], [dx, dy]: readonly number[], times = 1): Spot {
  return [(x ?? 0) + times * (dx ?? 0), (y ?? 0) + times * (dy ?? 0)];
}

export function minus(a: readonly number[], b: readonly number[]): Spot {
  return plus(a, b, -1);
}

export function length([x, y]: readonly number[]): number {
  return Math.hypot(x ?? 0, y ?? 0);
}

export function middle(places: readonly (readonly number[])[]): Spot {
  return places.reduce<Spot>((sum, one) => plus(sum, one, 1 / places.length), [0, 0]);
}

/** Towards a heading: degrees clockwise from ahead. */
export function towards(heading_deg: number): Spot {
  const angle = (heading_deg * Math.PI) / 180;
  return [Math.sin(angle), Math.cos(angle)];
}

export function headingOf([x, y]: readonly number[]): number {
  return ((Math.atan2(x ?? 0, y ?? 0) * 180) / Math.PI + 360) % 360;
}

/** Walls of rooms and of the home's outline. */
export function walls(rooms: readonly Room[], outline: readonly (readonly number[])[]): [Spot, Spot][] {
  return [...rooms.map((one) => one.outline), ...(outline.length ? [outline] : [])].flatMap((ring) =>
    ring.map((from, index): [Spot, Spot] => [from as unknown as Spot, ring[(index + 1) % ring.length] as unknown as Spot]),
  );
}

/** The nearest place on a segment. */
export function onto(place: Spot, [from, to]: [Spot, Spot]): Spot {
  const along = minus(to, from);
  const away = minus(place, from);
  const share = (away[0] * along[0] + away[1] * along[1]) / (along[0] ** 2 + along[1] ** 2 || 1);
  return plus(from, along, Math.min(1, Math.max(0, share)));
}

/** The wall that is nearest to a place; undefined where there is none. */
export function nearest(place: Spot, among: [Spot, Spot][]): { wall: [Spot, Spot]; foot: Spot } | undefined {
  let best: { wall: [Spot, Spot]; foot: Spot } | undefined;
  for (const wall of among) {
    const foot = onto(place, wall);
    if (!best || length(minus(place, foot)) < length(minus(place, best.foot))) best = { wall, foot };
  }
  return best;
}

/** An opening of a width in the wall that is nearest to its middle; where it was if there is no wall. */
export function inWall(opening: Opening, at: Spot, among: [Spot, Spot][], width = length(minus(opening.ends[1], opening.ends[0]))): Opening {
  const found = nearest(at, among);
  if (!found) return { ...opening, ends: [plus(at, [-width / 2, 0]), plus(at, [width / 2, 0])].map(tidy) as [Spot, Spot] };
  const [from, to] = found.wall;
  const along = minus(to, from);
  const wall_m = length(along);
  const unit: Spot = [along[0] / wall_m, along[1] / wall_m];
  const held = Math.min(width, wall_m);
  const reach = Math.min(wall_m - held / 2, Math.max(held / 2, rounded(length(minus(found.foot, from)))));
  return { ...opening, ends: [plus(from, unit, reach - held / 2), plus(from, unit, reach + held / 2)].map(tidy) as [Spot, Spot] };
}

function tidy([x, y]: Spot): Spot {
  return [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
}

/** A room moved, its edges drawn to those of other rooms that are near. */
export function moved(room: Room, by: Spot, others: readonly Room[], outline: readonly (readonly number[])[]): Room {
  const there = room.outline.map((one) => plus(one, by));
  const nudge = ([0, 1] as const).map((axis) => {
    const own = there.map((one) => one[axis]);
    const edges = [...others.flatMap((one) => one.outline), ...outline].map((one) => one[axis] ?? 0);
    let best = rounded(own[0] ?? 0, 0.1) - (own[0] ?? 0);
    let reach = SNAP_M;
    for (const edge of edges) {
      for (const value of own) {
        if (Math.abs(edge - value) < reach) {
          reach = Math.abs(edge - value);
          best = edge - value;
        }
      }
    }
    return best;
  });
  return { ...room, outline: there.map((one) => tidy(plus(one, nudge))) };
}

/** A corner moved; of a rectangle its neighbours come along, so that it stays one. */
export function stretched(room: Room, corner: number, to: Spot, others: readonly Room[], outline: readonly (readonly number[])[]): Room {
  const edges = [...others.flatMap((one) => one.outline), ...outline];
  const at = ([0, 1] as const).map((axis) => {
    const near = edges.map((one) => one[axis] ?? 0).filter((edge) => Math.abs(edge - to[axis]) < SNAP_M / 2);
    return near[0] ?? rounded(to[axis], 0.1);
  }) as Spot;
  const before = room.outline[corner] as unknown as Spot;
  const square = isRectangle(room);
  return {
    ...room,
    outline: room.outline.map((one, index) => {
      if (index === corner) return at;
      if (!square) return one as unknown as Spot;
      return [one[0] === before[0] ? at[0] : one[0], one[1] === before[1] ? at[1] : one[1]] as Spot;
    }),
  };
}

export function isRectangle(room: Room): boolean {
  return room.outline.length === 4 && room.outline.every((one, index) => {
    const next = room.outline[(index + 1) % 4] ?? one;
    return (one[0] === next[0]) !== (one[1] === next[1]);
  });
}

export function boxOf(places: readonly (readonly number[])[]): Box {
  const xs = places.map((one) => one[0] ?? 0);
  const ys = places.map((one) => one[1] ?? 0);
  const [left, bottom] = [Math.min(...xs), Math.min(...ys)];
  return { left, bottom, width: Math.max(...xs) - left, height: Math.max(...ys) - bottom };
}

export function rectangle({ left, bottom, width, height }: Box): Spot[] {
  return [[left, bottom], [left + width, bottom], [left + width, bottom + height], [left, bottom + height]];
}

/** What is worth seeing: everything drawn, and what radars see. */
export function extent(draft: Draft, outline: readonly (readonly number[])[], reach_m: number): Box {
  const places = [...draft.rooms.flatMap((one) => one.outline), ...outline, ...draft.lines.flatMap((one) => one.path)] as Spot[];
  for (const radar of draft.radars) {
    places.push(radar.place);
    for (const turn of [-50, 0, 50]) places.push(plus(radar.place, towards(radar.heading_deg + turn), reach_m * 0.92));
  }
  if (!places.length) places.push([-4, -4], [4, 4]);
  const box = boxOf(places);
  const margin = 0.6;
  return { left: box.left - margin, bottom: box.bottom - margin, width: box.width + 2 * margin, height: box.height + 2 * margin };
}

/** A line on its far side by a distance: the edge of the band in which somebody is noticed. */
export function band(line: Line): Spot[] {
  const path = line.path as unknown as Spot[];
  const side = line.near === "left" ? 1 : -1;
  const out = path.map((one, index) => {
    const from = path[Math.max(0, index - 1)] ?? one;
    const to = path[Math.min(path.length - 1, index + 1)] ?? one;
    const along = minus(to, from);
    const long = length(along) || 1;
    return plus(one, [(along[1] / long) * side, (-along[0] / long) * side], line.approach_m);
  });
  return [...path, ...out.reverse()];
}

/** A line before a radar: across where it looks, so far away. */
export function before(radar: Radar, away_m: number, half_m: number): Spot[] {
  const ahead = towards(radar.heading_deg);
  const right: Spot = [ahead[1], -ahead[0]];
  const at = plus(radar.place, ahead, away_m);
  // From right to left, so that the radar is to the left.
  return [plus(at, right, half_m), plus(at, right, -half_m)].map(tidy);
}

/** A place that was reckoned by one pose of a radar, by another one. */
export function reposed(place: Spot, from: Radar, to: Radar): Spot {
  const away = minus(place, from.place);
  const [right, ahead] = [towards(from.heading_deg + 90), towards(from.heading_deg)];
  const x = away[0] * right[0] + away[1] * right[1];
  const y = away[0] * ahead[0] + away[1] * ahead[1];
  return tidy(plus(plus(to.place, towards(to.heading_deg + 90), x), towards(to.heading_deg), y));
}

/** A place that can be found in the home as on the plan; `room`: of a corner. */
export interface Mark {
  kind: Opening["kind"] | "corner" | "spot";
  room: string;
  at: Spot;
}

const REACH_M = 5.5;
const LEAST_M = 1;
const MARKS = 6;
/** So far from a wall is the middle of somebody who has their back to it. */
const BACK_M = 0.3;

/** Where somebody may be asked to stand before a radar: in doors and at windows, and then in corners; the nearest ones. */
export function marks({ rooms, openings }: Draft, radar: Radar, outline: readonly (readonly number[])[]): Mark[] {
  const inward = (at: Spot, to: Spot, by_m: number): Spot => {
    const away = minus(to, at);
    return tidy(plus(at, away, by_m / (length(away) || 1)));
  };
  const found: Mark[] = openings.map(({ kind, ends }) => {
    const at = middle(ends);
    if (kind === "door") return { kind, room: "", at: tidy(at) };
    const along = minus(ends[1], ends[0]);
    const across: Spot = [-along[1], along[0]];
    const away = minus(radar.place, at);
    const side = Math.sign(across[0] * away[0] + across[1] * away[1]) || 1;
    return { kind, room: "", at: inward(at, plus(at, across, side), BACK_M) };
  });
  const rings = rooms.length ? rooms : outline.length ? [{ name: "", outline: outline as Spot[] }] : [];
  for (const { name, outline: ring } of rings) for (const corner of ring) found.push({ kind: "corner", room: name, at: inward(corner as Spot, middle(ring), BACK_M * Math.SQRT2) });
  const away = (one: Mark): number => length(minus(one.at, radar.place));
  const rank = (one: Mark): number => away(one) + (one.kind === "corner" ? REACH_M : 0);
  return found.filter((one) => away(one) >= LEAST_M && away(one) <= REACH_M).sort((one, other) => rank(one) - rank(other)).slice(0, MARKS);
}

/** Degrees, WGS 84: [longitude, latitude]. */
export function degrees(floor: NonNullable<Plan["floor"]>, place: Spot): [number, number] {
  const ahead = towards(floor.heading_deg);
  const east = place[0] * ahead[1] + place[1] * ahead[0];
  const north = place[1] * ahead[1] - place[0] * ahead[0];
  return [floor.lon_deg + east / floor.east_m_per_deg, floor.lat_deg + north / floor.north_m_per_deg];
}
