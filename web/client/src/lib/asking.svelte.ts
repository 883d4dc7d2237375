/** What a page asks of the server: whether it is on its way, and why it was refused. */

import { m } from "../paraglide/messages";
import { Refused } from "./api";

export class Asking {
  busy = $state(false);
  /** In the server's words, where it gave any; "" where nothing was refused. */
  refused = $state("");

  async run(work: () => Promise<unknown>): Promise<void> {
    this.refused = "";
    this.busy = true;
    try {
      await work();
    } catch (error) {
      this.refused = (error instanceof Refused && error.words) || m.not_done();
    } finally {
      this.busy = false;
    }
  }
}
