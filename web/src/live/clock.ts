/** The device's clock, which somebody may set while the page is open: then what was counted by it is put right. */

const LEAST_MS = 2_000; // less is a clock that is kept right, and what timers are late by

/** Tells by a clock that nobody sets, but which on some devices stands still while they sleep. */
export class SetClock {
  #apart: number;

  constructor(
    readonly shown: () => number = () => Date.now(),
    readonly steady: () => number = () => performance.now(),
  ) {
    this.#apart = shown() - steady();
  }

  /**
   * By how many ms it was set since this was last asked: below zero back, above zero forward, or else the device slept.
   * 0 where neither.
   */
  setBy(): number {
    const apart = this.shown() - this.steady();
    const by = apart - this.#apart;
    if (Math.abs(by) < LEAST_MS) return 0;
    this.#apart = apart;
    return by;
  }
}
