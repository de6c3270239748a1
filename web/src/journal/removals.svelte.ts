/**
 * Removing an entry so that it can be taken back. It is held back here for some seconds, and only then asked of the
 * server: taking it back is thus no request that could fail, and the entry keeps its id, its times and its pictures,
 * which an entry that is written again from a copy would not. The price is that a tab which is closed within those
 * seconds leaves the entry where it was; nothing is lost by that.
 */

import { SvelteMap } from "svelte/reactivity";
import { answer, asProblem, server } from "../api/client";
import { notices } from "../shell/notices.svelte";
import { nameOf } from "./recent_entries";

type Named = { id: number; instrument: string | null; symbol: string };
const HELD_MS = 8_000;

class Removals {
  #held = new SvelteMap<number, ReturnType<typeof setTimeout>>();

  /** Whether it is held back, or being removed: lists leave it out. */
  has(id: number): boolean {
    return this.#held.has(id);
  }

  begin(entry: Named): void {
    const timer = setTimeout(() => void this.#remove(entry), HELD_MS);
    this.#held.set(entry.id, timer);
    notices.say(`Entry ${entry.id} (${nameOf(entry)}) is being deleted.`, {
      action: { label: "Undo", run: () => this.#takeBack(entry) },
      shownMs: HELD_MS - 500, // who sees the button still has the time to press it
    });
  }

  #takeBack(entry: Named): void {
    clearTimeout(this.#held.get(entry.id));
    this.#held.delete(entry.id);
    notices.say(`Entry ${entry.id} is kept.`);
  }

  async #remove(entry: Named): Promise<void> {
    try {
      await answer(server.DELETE("/api/journal/entries/{entry_id}", { params: { path: { entry_id: entry.id } } }));
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status !== 404) {
        this.#held.delete(entry.id); // it is still there: show it again
        const text = `Entry ${entry.id} (${nameOf(entry)}) was not deleted: ${problem.message}`;
        notices.say(text, { tone: "bad", action: { label: "Delete again", run: () => this.begin(entry) } });
      }
    }
  }
}

export const removals = new Removals();
