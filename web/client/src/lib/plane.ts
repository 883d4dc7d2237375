/** Metres around a place, right to a thousandth within a kilometre: what a thumb draws is smaller. */

export type Place = [lon_deg: number, lat_deg: number];
type Metres = [east: number, north: number];
export type Side = "left" | "right";

/** A geometry of GeoJSON as the server says it: what is in it, the document does not say. */
type Geometry = { [key: string]: unknown };

/** Polygons of an area, each its shell and its holes. */
export function rings(one: Geometry): Place[][][] {
  return (one["type"] === "Polygon" ? [one["coordinates"]] : one["coordinates"]) as Place[][][];
}

/** Corners of a line. */
export function path(one: Geometry): Place[] {
  return one["coordinates"] as Place[];
}

const EQUATOR_M = 6_378_137;
const SQUARED = 0.00669438; // of WGS 84's eccentricity

export class Plane {
  readonly #origin: Place;
  readonly #east: number;
  readonly #north: number;

  constructor(origin: Place) {
    const phi = (origin[1] * Math.PI) / 180;
    const root = Math.sqrt(1 - SQUARED * Math.sin(phi) ** 2);
    this.#origin = origin;
    this.#east = (((EQUATOR_M / root) * Math.PI) / 180) * Math.cos(phi);
    this.#north = ((EQUATOR_M * (1 - SQUARED)) / root ** 3) * (Math.PI / 180);
  }

  metres([lon, lat]: Place): Metres {
    return [(lon - this.#origin[0]) * this.#east, (lat - this.#origin[1]) * this.#north];
  }

  place([east, north]: Metres): Place {
    return [this.#origin[0] + east / this.#east, this.#origin[1] + north / this.#north];
  }
}

/** How far apart two places are, in metres. */
export function apart_m(a: Place, b: Place): number {
  return Math.hypot(...new Plane(a).metres(b));
}

/** A strip along one side of a path, one piece for each of its edges; together they are the band. */
export function band(path: Place[], side: Side, width_m: number): Place[][] {
  const turn = side === "left" ? 1 : -1;
  return edges(path).map(([a, b]) => {
    const plane = new Plane(a);
    const [east, north] = plane.metres(b);
    const length = Math.hypot(east, north) || 1;
    const out: Metres = [(-north / length) * width_m * turn, (east / length) * width_m * turn];
    const strip = [a, b, plane.place([east + out[0], north + out[1]]), plane.place(out)];
    return side === "left" ? strip : strip.reverse(); // all run the same way round, so that they fill as one
  });
}

/** An arrow over the middle of the longest edge, to the side that is protected: its shaft and its head. */
export function arrow(path: Place[], side: Side, width_m: number): Place[][] {
  const [a, b] = edges(path).reduce((longest, one) => (apart_m(...one) > apart_m(...longest) ? one : longest), [path[0]!, path[0]!] as [Place, Place]);
  const plane = new Plane(a);
  const [east, north] = plane.metres(b);
  const length = Math.hypot(east, north);
  if (!length) return [];
  const turn = side === "left" ? 1 : -1;
  const along: Metres = [east / length, north / length];
  const out: Metres = [-along[1] * turn, along[0] * turn];
  const at = (way: number, aside: number): Place =>
    plane.place([east / 2 + out[0] * way + along[0] * aside, north / 2 + out[1] * way + along[1] * aside]);
  const head = width_m * 0.3;
  return [
    [at(-width_m * 0.6, 0), at(width_m * 0.8, 0)],
    [at(width_m * 0.8 - head, -head), at(width_m * 0.8, 0), at(width_m * 0.8 - head, head)],
  ];
}

export function edges(path: Place[], closed = false): [Place, Place][] {
  const pairs = path.slice(1).map((one, number) => [path[number]!, one] as [Place, Place]);
  return closed && path.length > 2 ? [...pairs, [path.at(-1)!, path[0]!]] : pairs;
}

/** Of an edge, the place that is nearest to another place. */
export function nearest([a, b]: [Place, Place], to: Place): Place {
  const plane = new Plane(a);
  const [east, north] = plane.metres(b);
  const [x, y] = plane.metres(to);
  const share = Math.min(1, Math.max(0, (x * east + y * north) / (east ** 2 + north ** 2 || 1)));
  return plane.place([east * share, north * share]);
}
