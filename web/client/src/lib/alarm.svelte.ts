/**
 * Sound, shaking and a flashing title, while something grave is nobody's.
 *
 * A browser lets a page sound only after somebody touched it; until then the page says so. What was silenced stays silent until
 * something new comes: there is no switch that somebody could forget.
 */

const EVERY_MS = 2_500;
const TONES_HZ = [880, 660, 880];
const TONE_S = 0.22;
const LOUD = 0.6;

export class Alarm {
  /** Whether this page may sound. */
  ready = $state(false);
  ringing = $state(false);
  silenced = $state(false);
  /** Changes while it rings: what flashes follows it. */
  flash = $state(false);

  #context: AudioContext | undefined;
  #heard = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #awake: WakeLockSentinel | undefined;

  /** Which grave incidents are nobody's now. */
  hear(unowned: readonly string[]): void {
    const fresh = unowned.some((one) => !this.#heard.has(one));
    this.#heard = new Set(unowned);
    if (fresh) this.silenced = false;
    this.#ring(unowned.length > 0 && !this.silenced);
  }

  /** By a touch of somebody: from now on it can be heard. A phone's screen stays on, or it would sleep through. */
  async unlock(): Promise<void> {
    const first = !this.#context;
    const context = (this.#context ??= new AudioContext());
    await context.resume();
    this.ready = context.state === "running";
    if (first && this.ready) this.ringing ? this.#sound() : this.#tone(context, TONES_HZ[0]!, 0, 0.2);
    await this.#stayAwake();
  }

  silence(): void {
    this.silenced = true;
    this.#ring(false);
  }

  close(): void {
    this.#ring(false);
    void this.#context?.close();
    void this.#awake?.release();
  }

  #ring(on: boolean): void {
    if (on === this.ringing) return;
    this.ringing = on;
    clearInterval(this.#timer);
    this.flash = false;
    if (!on) return;
    this.#sound();
    this.#timer = setInterval(() => this.#sound(), EVERY_MS);
  }

  #sound(): void {
    this.flash = !this.flash;
    if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.([300, 120, 300]); // else it is refused, and complained of
    const context = this.#context;
    if (context?.state !== "running") return void (this.ready = false);
    TONES_HZ.forEach((tone, number) => this.#tone(context, tone, number * TONE_S, LOUD));
  }

  #tone(context: AudioContext, tone_hz: number, after_s: number, loud: number): void {
    const [from, until] = [context.currentTime + after_s, context.currentTime + after_s + TONE_S];
    const voice = new OscillatorNode(context, { type: "square", frequency: tone_hz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(loud, from + 0.01);
    volume.gain.setValueAtTime(loud, until - 0.03);
    volume.gain.linearRampToValueAtTime(0, until);
    voice.connect(volume).connect(context.destination);
    voice.start(from);
    voice.stop(until);
  }

  async #stayAwake(): Promise<void> {
    if (!("wakeLock" in navigator) || (this.#awake && !this.#awake.released)) return;
    this.#awake = await navigator.wakeLock.request("screen").catch(() => undefined); // not on a low battery
  }
}
