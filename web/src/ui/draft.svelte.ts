/** What is being typed, kept in the tab's storage: an error, an expired key or a reload loses nothing of it. */

const PREFIX = "alphaforge.draft.";
const AFTER_MS = 200;

/** Create it while a component is set up. `value` is bound to by the form; `clear` when it was sent, or given up. */
export class Draft<T extends object> {
  value: T = $state()!;
  #name: string;
  #empty: () => T;
  #isCleared = false;

  constructor(name: string, empty: () => T) {
    this.#name = PREFIX + name;
    this.#empty = empty;
    const kept = this.#kept();
    this.value = kept ?? empty();
    this.wasKept = kept !== null;
    $effect(() => {
      const text = JSON.stringify(this.value);
      const timer = setTimeout(() => this.#keep(text), AFTER_MS);
      return () => {
        clearTimeout(timer);
        if (!this.#isCleared) this.#keep(text); // the page is left before the time is over
      };
    });
    $effect(() => {
      const leaving = () => this.#keep(JSON.stringify(this.value));
      addEventListener("pagehide", leaving);
      return () => removeEventListener("pagehide", leaving);
    });
  }

  /** Whether it does not fit into the tab's storage (screenshots): it is in the page alone, and a reload loses it. */
  isTooLarge = $state(false);

  /** Whether something was found that had been typed before. */
  wasKept = false;

  clear(): void {
    this.#isCleared = true;
    this.value = this.#empty();
    sessionStorage.removeItem(this.#name);
  }

  #kept(): T | null {
    try {
      const text = sessionStorage.getItem(this.#name);
      return text === null ? null : { ...this.#empty(), ...JSON.parse(text) };
    } catch {
      return null; // not ours, or cut off
    }
  }

  #keep(text: string): void {
    const isEmpty = text === JSON.stringify(this.#empty());
    try {
      if (isEmpty) sessionStorage.removeItem(this.#name);
      else sessionStorage.setItem(this.#name, text);
      this.isTooLarge = false;
    } catch {
      sessionStorage.removeItem(this.#name); // what was kept before is not what is typed
      this.isTooLarge = true;
    }
    this.#isCleared = false;
  }
}
