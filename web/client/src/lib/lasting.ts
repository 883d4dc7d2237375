/** How long something lasted, in the unit that people would use. */

import { m } from "../paraglide/messages";

export function lasting(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 120) return m.rep_s({ n: Math.round(seconds) });
  if (seconds < 7200) return m.rep_min({ n: Math.round(seconds / 60) });
  return m.rep_h({ n: Math.round(seconds / 360) / 10 });
}
