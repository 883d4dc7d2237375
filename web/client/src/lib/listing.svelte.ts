/** A list that is kept as a whole: what is being changed stays as it is, whatever comes meanwhile, until it is saved or dropped. */

import { m } from "../paraglide/messages";
import { Refused } from "./api";
import { session } from "./session.svelte";

export class Listing<One> {
  draft = $state<One[]>();
  saving = $state(false);
  refused = $state("");
  readonly shown = $derived.by(() => this.draft ?? this.kept() ?? []);

  /** `refusal`: the words for a list that cannot be. */
  constructor(
    readonly kept: () => One[] | undefined,
    readonly put: (list: One[]) => Promise<unknown>,
    readonly refusal: () => string,
  ) {}

  change(to: One[]): void {
    this.refused = "";
    this.draft = to;
  }

  part(n: number, of: Partial<One>): void {
    this.change(this.shown.map((one, place) => (place === n ? { ...one, ...of } : one)));
  }

  without(n: number): void {
    this.change(this.shown.filter((_, place) => place !== n));
  }

  drop(): void {
    this.draft = undefined;
  }

  async save(): Promise<void> {
    if (!this.draft) return;
    this.saving = true;
    try {
      await this.put(this.draft);
      this.draft = undefined;
      session.say(m.saved());
    } catch (error) {
      this.refused = (error instanceof Refused && error.status !== 422 && error.words) || this.refusal();
    } finally {
      this.saving = false;
    }
  }
}
