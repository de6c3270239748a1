/** The list of signals as far as it was read: page by page behind cursors, and what has happened since. */

import { type Schema, answer, asProblem, server } from "../api/client";
import type { Problem } from "../api/problem";
import { live } from "../live/live.svelte";
import type { Question } from "./filters";

export type Row = Schema<"ListedSignal">;

const SETTLE_MS = 150; // streams bring several events of one moment

/**
 * `asked` is a Question as JSON, or null where it cannot be asked; when it changes, the list begins anew.
 * `isBeingRead`: rows must not move now; what is new is then only counted. Create it while a component is set up.
 */
export class SignalList {
  rows = $state.raw<readonly Row[]>([]);
  /** Signals that match, loaded or not; null before the first answer. */
  total = $state<number | null>(null);
  /** Signals that belong before the first row; as many as a page has, or more, where it is a page's number. */
  news = $state(0);
  isLoading = $state(true);
  problem = $state.raw<Problem | null>(null);
  /** Where the list goes on; null at its end. */
  next = $state<string | null>(null);

  #asked: () => string | null;
  #isBeingRead: () => boolean;
  /** What was asked for the rows that are there. */
  #answered: string | null = null;
  #ending: AbortController | null = null;

  constructor(asked: () => string | null, isBeingRead: () => boolean) {
    this.#asked = asked;
    this.#isBeingRead = isBeingRead;
    $effect(() => {
      if (asked() !== null) void this.reload();
      else this.isLoading = false; // the filters say what is wrong
      return () => this.#ending?.abort();
    });
    $effect(() => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const soon = () => {
        clearTimeout(timer);
        timer = setTimeout(() => (this.isLoading ? soon() : void this.#look()), SETTLE_MS);
      };
      const told = (signal: Schema<"StreamedSignal">) => {
        this.change(signal);
        soon();
      };
      const endings = [live.on("signal", told), live.on("outcome", told), live.on("reset", () => void this.reload())];
      return () => {
        clearTimeout(timer);
        for (const end of endings) end();
      };
    });
    let wasDown = false;
    $effect(() => {
      if (live.stream === "live" && wasDown) void this.#look();
      wasDown = live.stream === "down" || live.stream === "locked";
    });
  }

  /** Begin again at the first page; what is there stays until it has come. */
  reload(): Promise<void> {
    return this.#page(null, (page) => this.#begin(page));
  }

  /** The page behind the last row, unless it is on its way. */
  async more(): Promise<void> {
    if (this.next === null || this.isLoading || this.problem !== null) return;
    await this.#page(this.next, (page) => {
      this.rows = [...this.rows, ...page.signals];
      this.next = page.next ?? null;
    });
  }

  /** Try again what failed last. */
  retry(): void {
    this.problem = null;
    void (this.#answered === this.#asked() && this.next !== null ? this.more() : this.reload());
  }

  /** Take over what is known now of a signal, where it is in the list. */
  change(signal: Schema<"StreamedSignal">): void {
    const at = this.indexOf(signal.id);
    if (at < 0) return;
    const shown = Object.keys(this.rows[at]!).map((name) => [name, signal[name as keyof typeof signal]]);
    const changed = Object.fromEntries(shown.filter(([, value]) => value !== undefined));
    this.rows = this.rows.with(at, { ...this.rows[at]!, ...changed });
  }

  indexOf(id: number): number {
    return this.rows.findIndex((row) => row.id === id);
  }

  /** Hold the newest page against what is known: the server says what matches, not this page. */
  #look(): Promise<void> {
    if (this.#answered !== this.#asked()) return this.reload();
    return this.#page(null, (page) => {
      if (this.#question()?.order === "oldest") {
        // what is new comes with the last page, unless that is here already
        this.news = this.next === null ? Math.max(0, page.total - this.rows.length) : 0;
        return;
      }
      const known = new Set(this.rows.map((row) => row.id));
      const fresh = page.signals.filter((row) => !known.has(row.id));
      if (this.#isBeingRead()) {
        this.news = fresh.length;
      } else if (fresh.length < page.signals.length) {
        const last = page.signals.findLast((row) => known.has(row.id))!;
        this.rows = [...page.signals, ...this.rows.slice(this.indexOf(last.id) + 1)]; // without what matches no more
      } else {
        this.#begin(page); // more is new than a page has: the pages in between are not known
      }
    });
  }

  #begin(page: Schema<"SignalPage">): void {
    this.rows = page.signals;
    this.next = page.next ?? null;
    this.news = 0;
  }

  #question(): Question | null {
    const asked = this.#asked();
    return asked === null ? null : JSON.parse(asked);
  }

  /** Ask for a page, and take it in one step: nobody may see that it has come and not find it. */
  async #page(cursor: string | null, take: (page: Schema<"SignalPage">) => void): Promise<void> {
    const [asked, question] = [this.#asked(), this.#question()];
    if (question === null) return;
    this.#ending?.abort();
    const ending = (this.#ending = new AbortController());
    this.isLoading = true;
    const query = { ...question, fields: "minimal" as const, ...(cursor && { cursor }) };
    try {
      const page = await answer(server.GET("/api/signals", { params: { query }, signal: ending.signal }));
      if (ending.signal.aborted) return;
      take(page);
      this.#answered = asked;
      this.total = page.total;
      this.problem = null;
    } catch (error) {
      if (ending.signal.aborted) return;
      this.problem = asProblem(error);
      if (this.#answered !== asked) {
        this.rows = []; // they answer another question
        this.next = this.total = null;
      }
    }
    this.isLoading = false;
  }
}
