/** Whether the server asks for a key that nobody entered yet. While it does, requests wait, and then go on. */

import { untrack } from "svelte";
import { keptKey, onOtherTabsKey } from "./key";

class Lock {
  isShut = $state(false);
  #opening = new EventTarget();

  constructor() {
    onOtherTabsKey(() => this.isShut && this.open()); // where it is a wrong one, the next answer shuts again
  }

  /** The server refused `key`. Many requests may say so, and some only after another one was entered. */
  shut(key: string | null): void {
    if (key === keptKey()) this.isShut = true;
  }

  /** A key was entered. */
  open(): void {
    this.isShut = false;
    this.#opening.dispatchEvent(new Event("open"));
  }

  /** Over when it is open, or `signal` aborted. */
  opened(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (!untrack(() => this.isShut) || signal.aborted) return resolve(); // whoever waits does not begin anew
      const done = () => {
        this.#opening.removeEventListener("open", done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#opening.addEventListener("open", done);
      signal.addEventListener("abort", done);
    });
  }
}

export const lock = new Lock();
