/** A fence while somebody draws it: its corners, what it is for, what was before, and what the server says of it. */

import type { Draft } from "../parts/Map.svelte";
import type { Fence, FenceChecked, FenceWish } from "./model";
import { path, rings, type Place, type Side } from "./plane";

export const TOOLS = ["line", "area", "corridor", "around"] as const;
/** `fixed`: a shape that came from elsewhere and is too fine for thumbs; its name and times can be changed. */
export type Tool = (typeof TOOLS)[number] | "fixed";
export type When = "always" | "modes" | "hours";

const MOST_CORNERS = 40;
const LEAST: Record<Tool, number> = { line: 2, area: 3, corridor: 2, around: 0, fixed: 0 };
const NIGHT = { since: "22:00", to: "06:00" };

interface Step {
  points: Place[];
  near: Side;
}

export class Drawing {
  readonly tool: Tool;
  readonly home: string | null;
  readonly id: string;
  readonly tag: string;
  readonly #fixed: Fence["geometry"] | null;
  readonly #everybody: string[];
  readonly #datum: Fence["datum"];

  name = $state("");
  points = $state.raw<Place[]>([]);
  near = $state<Side>("left");
  width_m = $state(60);
  outwards_m = $state(30);
  approach_m = $state(1.5);
  events = $state.raw<string[]>([]);
  residents = $state.raw<string[]>([]);
  when = $state<When>("always");
  modes = $state.raw<string[]>(["away", "night"]);
  hours = $state.raw(NIGHT);
  adding = $state(true);
  snapping = $state(false);
  corner = $state(-1);
  checked = $state.raw<FenceChecked>();

  #past = $state.raw<Step[]>([]);
  #future = $state.raw<Step[]>([]);

  constructor(tool: Tool, home: string | null, residents: string[], of?: Fence) {
    this.tool = tool;
    this.home = home;
    this.#everybody = residents;
    this.residents = of?.residents ?? residents;
    this.id = of?.id ?? "";
    this.tag = of?.tag ?? "";
    this.#fixed = tool === "fixed" && of ? of.geometry : null;
    this.#datum = of?.datum ?? "wgs84";
    this.events = of?.events ?? (tool === "line" ? ["approach", "cross"] : ["exit"]);
  }

  /** One that there is, to be changed. */
  static of(one: Fence): Drawing {
    const shells = one.kind === "area" ? rings(one.geometry).flat() : [];
    const ring = shells.length === 1 ? shells[0]!.slice(0, -1) : null;
    const tool: Tool = one.outwards_m !== null ? "around" : one.corridor ? "corridor" : one.kind === "line" ? "line" : ring && ring.length <= MOST_CORNERS ? "area" : "fixed";
    const it = new Drawing(tool, one.home, one.residents, one);
    it.name = one.name;
    it.points = tool === "line" ? path(one.geometry) : tool === "corridor" ? (one.corridor!.line as Place[]) : tool === "area" ? ring! : [];
    it.near = one.near;
    it.width_m = one.corridor?.width_m ?? it.width_m;
    it.outwards_m = one.outwards_m ?? it.outwards_m;
    it.approach_m = one.approach_m;
    it.when = one.modes ? "modes" : one.schedule ? "hours" : "always";
    it.modes = one.modes ?? it.modes;
    it.hours = one.schedule ?? NIGHT;
    it.adding = false;
    return it;
  }

  get draws(): boolean {
    return LEAST[this.tool] > 0;
  }

  get enough(): boolean {
    return this.points.length >= LEAST[this.tool];
  }

  get draft(): Draft {
    const result = this.tool === "line" || this.tool === "area" ? null : ((this.checked?.geometry ?? null) as Draft["result"]);
    const wrong = (this.checked?.at ?? null) as Place | null;
    return { points: this.points, closed: this.tool === "area", near: this.tool === "line" ? this.near : null, width_m: this.approach_m, result, wrong };
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  move(points: Place[], corner: number): void {
    this.#keep();
    this.points = points;
    this.corner = Math.min(corner, points.length - 1);
  }

  flip(): void {
    this.#keep();
    this.near = this.near === "left" ? "right" : "left";
  }

  removeCorner(): void {
    if (this.corner >= 0) this.move(this.points.toSpliced(this.corner, 1), Math.max(0, this.corner - 1));
  }

  undo(): void {
    this.#go(this.#past, (before, now) => {
      this.#past = before;
      this.#future = [...this.#future, now];
    });
  }

  redo(): void {
    this.#go(this.#future, (before, now) => {
      this.#future = before;
      this.#past = [...this.#past, now];
    });
  }

  unchecked(): void {
    this.checked = undefined;
  }

  /** What the server is asked to keep. */
  wish(): FenceWish {
    const isLine = this.tool === "line";
    const some = this.residents.length > 0 && (this.residents.length < this.#everybody.length || this.home === null);
    return {
      home: this.home,
      name: this.name.trim() || "—",
      kind: isLine ? "line" : "area",
      geometry: isLine
        ? { type: "LineString", coordinates: this.points }
        : this.tool === "area"
          ? { type: "Polygon", coordinates: [[...this.points, ...this.points.slice(0, 1)]] }
          : this.#fixed,
      corridor: this.tool === "corridor" ? { line: this.points, width_m: this.width_m } : null,
      outwards_m: this.tool === "around" ? this.outwards_m : null,
      datum: this.#datum,
      near: this.near,
      approach_m: isLine ? this.approach_m : null,
      events: this.events as NonNullable<FenceWish["events"]>,
      residents: isLine || !some ? null : this.residents,
      modes: this.when === "modes" ? (this.modes as NonNullable<FenceWish["modes"]>) : null,
      schedule: this.when === "hours" ? this.hours : null,
      dwell_min: null,
      expected: null,
    };
  }

  #keep(): void {
    this.#past = [...this.#past, this.#step()];
    this.#future = [];
  }

  #step(): Step {
    return { points: this.points, near: this.near };
  }

  #go(from: Step[], put: (before: Step[], now: Step) => void): void {
    const to = from.at(-1);
    if (!to) return;
    put(from.slice(0, -1), this.#step());
    this.points = to.points;
    this.near = to.near;
    this.corner = Math.min(this.corner, to.points.length - 1);
  }
}
