/** What the desk knows at this moment: instruments, prices, how market and stream are. Kept current by the stream. */

import { untrack } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import { type Schema, answer, server } from "../api/client";
import { SetClock } from "./clock";
import type { ServerEvent } from "./events";
import { listenTogether } from "./together";
import type { StreamState, Told } from "./stream";

export type Instrument = Schema<"WatchedInstrument">;
export type Price = Schema<"InstrumentPrice">;
export type Signal = Schema<"StreamedSignal">;

/** What may be listened to; `reset` says that something was missed: load anew what you show. */
export type Happenings = {
  signal: Signal;
  outcome: Signal;
  rejection: Schema<"Rejection">;
  candle: Schema<"StreamedCandle">;
  reset: Schema<"StreamReset">;
};

const STALE_AFTER_MS = 60_000; // as the server has it for quotes; here for what the stream brought last
const SOON_MS = 1_500;
const TICK_MS = 1_000;
const OVERDUE_MS = 30_000; // a close that no candle came of: then the next one is asked for

class Live {
  stream = $state<StreamState>("connecting");
  /** Since when the stream is down or locked, in ms; null while it is neither. */
  downSince = $state<number | null>(null);
  /** null until the first status came. */
  status = $state.raw<Schema<"StreamedStatus"> | null>(null);
  instruments = $state.raw<Instrument[]>([]);
  /** The sessions from the present one on, by the market's time. */
  sessions = $state.raw<Schema<"SessionSpan">[]>([]);
  prices = new SvelteMap<string, Price>();
  /** The browser's time, a step a second: what ages and clocks are shown by. */
  now = $state(Date.now());
  /** Whether somebody can see the tab. While nobody does, nothing is asked by the clock, and no clock runs here. */
  isSeen = $state(true);

  #listeners = new Map<string, Set<(happened: never) => void>>();
  #retry = new EventTarget();
  #came = new Map<string, number>();
  #ahead = $state<number | null>(null);
  #due = Infinity;
  #clock = new SetClock();
  #asked = 0;
  #answered = 0;

  /** Listen, until the answer is called. */
  start(): () => void {
    const ending = new AbortController();
    const told: Told = { event: (event, at) => this.#take(event, at), state: (state) => this.#turn(state) };
    void listenTogether("/api/stream", told, ending.signal, this.#retry);
    let ticking: ReturnType<typeof setInterval> | undefined;
    const look = () => {
      clearInterval(ticking);
      this.isSeen = document.visibilityState === "visible";
      if (!this.isSeen) return;
      this.#tick();
      ticking = setInterval(() => this.#tick(), TICK_MS);
    };
    untrack(look); // whoever starts this does not begin anew with each step of the clock
    document.addEventListener("visibilitychange", look, { signal: ending.signal });
    window.addEventListener("online", () => this.retry(), { signal: ending.signal });
    return () => {
      ending.abort();
      clearInterval(ticking);
    };
  }

  /** Connect now rather than when the wait is over. */
  retry(): void {
    this.#retry.dispatchEvent(new Event("retry"));
  }

  /** Call `listener` whenever it happens; the answer ends that. */
  on<Kind extends keyof Happenings>(kind: Kind, listener: (happened: Happenings[Kind]) => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  instrument(name: string | null | undefined): Instrument | undefined {
    return this.instruments.find((one) => one.instrument === name);
  }

  /** Whether any of the instruments trades now. */
  get isOpen(): boolean {
    return this.instruments.some((one) => one.open);
  }

  /** When the first of those that are closed opens. */
  get opens(): string | undefined {
    const moments = this.instruments.map((one) => one.next_open).filter((at) => at !== null);
    return moments.sort()[0];
  }

  /** Seconds since the market said this price: its age when it came, and what passed since. */
  age(price: Price): number {
    return price.age_seconds + Math.max(0, this.now - (this.#came.get(price.instrument) ?? this.now)) / 1000;
  }

  /** Whether what is shown is from before: a break that is over sooner is nobody's news. */
  get isCut(): boolean {
    return this.stream === "locked" || (this.downSince !== null && this.now - this.downSince > SOON_MS);
  }

  isStale(price: Price): boolean {
    return price.stale || this.isCut || this.age(price) * 1000 > STALE_AFTER_MS;
  }

  /** Whether the server has told its time yet. */
  get isTimed(): boolean {
    return this.#ahead !== null;
  }

  /** The market's time in ms: the browser's, put right by what the server said last. It stands while the stream does. */
  get marketNow(): number {
    return (this.isCut ? (this.downSince ?? this.now) : this.now) + (this.#ahead ?? 0);
  }

  /** The instruments from the server; whoever adds or removes one asks anew. */
  async loadInstruments(): Promise<void> {
    const asked = ++this.#asked;
    const { instruments, sessions, timestamp } = await answer(server.GET("/api/instruments"));
    if (asked < this.#answered) return; // a newer one was faster
    this.#answered = asked;
    this.#ahead = Date.parse(timestamp) - Date.now();
    this.#due = Math.min(
      firstOf([...instruments.flatMap((one) => [one.next_open, one.next_close]), sessions[0]?.end]),
      firstOf(instruments.map((one) => one.candle_closes)) + OVERDUE_MS,
    );
    this.sessions = sessions;
    this.instruments = instruments;
  }

  /** What opens, closes or changes at a known moment is asked anew when that has come, and when a candle has closed. */
  #tick(): void {
    this.#follow(this.#clock.setBy());
    this.now = Date.now();
    if (this.now + (this.#ahead ?? 0) < this.#due + TICK_MS) return;
    this.#due = Infinity;
    void this.loadInstruments().catch(() => undefined); // the next candle or connection asks again
  }

  /** Set back, a clock would make what is old look fresh; set forward it looks too old until more comes, which may be. */
  #follow(by: number): void {
    if (by !== 0) this.#due = -Infinity; // the market's time is asked anew
    if (by >= 0) return;
    if (this.#ahead !== null) this.#ahead -= by;
    for (const [instrument, at] of this.#came) this.#came.set(instrument, at + by);
    if (this.downSince !== null) this.downSince += by;
  }

  #turn(state: StreamState): void {
    if (state === "live") {
      this.downSince = null;
      void this.loadInstruments().catch(() => undefined); // the next connection asks again
    } else if (state === "down" || state === "locked") {
      this.downSince ??= Date.now();
    }
    this.stream = state;
  }

  #take(event: ServerEvent, at: number): void {
    const body = JSON.parse(event.data);
    if (event.kind === "price") {
      this.#came.set(body.instrument, at);
      this.prices.set(body.instrument, body);
    } else if (event.kind === "status") {
      this.status = body;
    } else if (event.kind === "candle") {
      this.#due = -Infinity;
    }
    for (const listener of this.#listeners.get(event.kind) ?? []) listener(body as never);
  }
}

function firstOf(moments: (string | null | undefined)[]): number {
  return Math.min(...moments.map((moment) => (moment ? Date.parse(moment) : Infinity)));
}

export const live = new Live();
