/** The journal page by page: the first follows the filters, more are asked for by who reads on. */

import { SvelteMap } from "svelte/reactivity";
import { type Schema, answer, asProblem, server } from "../api/client";
import type { Problem } from "../api/problem";
import { Resource } from "../live/resource.svelte";
import type { EntryQuery } from "./entry_filters";
import type { Listed } from "./recent_entries";
import { removals } from "./removals.svelte";

const ROWS = 50;

/** Create it while a component is set up. `query` is read anew whenever what it reads of runes changes. */
export class EntryPages {
  readonly first: Resource<Schema<"EntryPage">>;
  isLoadingMore = $state(false);
  problem = $state.raw<Problem | null>(null);

  #query: () => EntryQuery;
  #further = $state.raw<Listed[]>([]);
  #next = $state<string | null>(null);
  #changed = new SvelteMap<number, Listed>();

  constructor(query: () => EntryQuery) {
    this.#query = query;
    this.first = new Resource(async (signal) => {
      const page = await this.#page(query(), {}, signal);
      this.#further = [];
      this.#changed.clear();
      this.#next = page.next ?? null;
      this.problem = null;
      return page;
    });
  }

  /** Without those that are about to be removed. */
  get entries(): Listed[] {
    const all = [...(this.first.value?.entries ?? []), ...this.#further];
    return all.filter((entry) => !removals.has(entry.id)).map((entry) => this.#changed.get(entry.id) ?? entry);
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Show an entry as it was stored just now, where it stands: the reader is looking at it. */
  show(entry: Listed): void {
    this.#changed.set(entry.id, entry);
  }

  async more(): Promise<void> {
    const cursor = this.#next;
    if (cursor === null || this.isLoadingMore) return;
    this.isLoadingMore = true;
    try {
      const page = await this.#page(this.#query(), { cursor });
      if (this.#next === cursor) {
        this.#further = [...this.#further, ...page.entries];
        this.#next = page.next ?? null;
      }
      this.problem = null;
    } catch (error) {
      this.problem = asProblem(error);
    }
    this.isLoadingMore = false;
  }

  #page(filters: EntryQuery, place: EntryQuery, signal?: AbortSignal): Promise<Schema<"EntryPage">> {
    const query = { ...filters, ...place, limit: ROWS, exclude: "screenshots,notes" };
    const params = { query };
    return answer(server.GET("/api/journal/entries", signal ? { params, signal } : { params }));
  }
}
