/** Something of the server that a page shows: loaded, loaded anew, and what stands in the way. */

import { asProblem } from "../api/client";
import type { Problem } from "../api/problem";
import { type Happenings, live } from "./live.svelte";

/** Since streams bring several events of one moment, what follows them waits for the last. */
const SETTLE_MS = 150;

/**
 * `load` is called by `reload()` and whenever one of `follows` happens; what it reads of runes makes it run anew.
 * Create it while a component is set up: it ends with it. The last answer stays while a newer one is waited for, or
 * failed: `problem` says so beside it. After a break of the stream everything is loaded anew.
 */
export class Resource<T> {
  value = $state.raw<T | undefined>(undefined);
  problem = $state.raw<Problem | null>(null);
  isLoading = $state(true);

  #load: (signal: AbortSignal) => Promise<T>;
  #ending: AbortController | null = null;

  constructor(load: (signal: AbortSignal) => Promise<T>, follows: (keyof Happenings)[] = []) {
    this.#load = load;
    $effect(() => {
      void this.reload();
      return () => this.#ending?.abort();
    });
    let wasDown = false;
    $effect(() => {
      if (live.stream === "live" && wasDown) void this.reload();
      wasDown = live.stream === "down" || live.stream === "locked";
    });
    $effect(() => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const soon = () => {
        clearTimeout(timer);
        timer = setTimeout(() => void this.reload(), SETTLE_MS);
      };
      const endings = [...follows, "reset" as const].map((kind) => live.on(kind, soon));
      return () => {
        clearTimeout(timer);
        for (const end of endings) end();
      };
    });
  }

  async reload(): Promise<void> {
    this.#ending?.abort();
    const ending = (this.#ending = new AbortController());
    this.isLoading = true;
    try {
      const value = await this.#load(ending.signal);
      if (ending.signal.aborted) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (ending.signal.aborted) return;
      this.problem = asProblem(error);
    }
    this.isLoading = false;
  }
}
