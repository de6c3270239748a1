/**
 * One stream for all tabs of a browser, which opens six connections to a server at most. The tab that holds a lock
 * listens and tells the others; when it is closed or crashes another one gets the lock, and goes on from the last id.
 */

import { lock } from "../api/lock.svelte";
import type { ServerEvent } from "./events";
import { type StreamState, type Told, listen } from "./stream";

const NAME = "alphaforge.stream";
const SILENCE_MS = 40_000; // a tab that was put to sleep keeps its lock, and says nothing
const LOOK_MS = 5_000;

type Came = { event: ServerEvent; at: number };
type Said =
  | ({ what: "event" } & Came)
  | { what: "state" | "known"; state: StreamState; came: Came[]; lastId: string | null }
  | { what: "alive" | "hello" | "retry" };

/** As `listen`; where tabs cannot agree (a page that is not from this machine and without TLS) each listens itself. */
export function listenTogether(url: string, told: Told, signal: AbortSignal, retry: EventTarget): Promise<void> {
  return "locks" in navigator ? new Tab(url, told, signal, retry).run() : listen(url, told, signal, retry);
}

class Tab {
  #channel = new BroadcastChannel(NAME);
  #lead: AbortController | null = null;
  #state: StreamState = "connecting";
  #lastId: string | null = null;
  /** The newest status, and the newest price of each instrument: for tabs that join. */
  #newest = new Map<string, Came>();
  #isIn = false;
  #heardAt = Date.now();
  #wait = new AbortController();

  constructor(
    readonly url: string,
    readonly told: Told,
    readonly signal: AbortSignal,
    readonly retry: EventTarget,
  ) {
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    retry.addEventListener("retry", () => this.#lead ?? this.#say({ what: "retry" }));
  }

  async run(): Promise<void> {
    const looking = setInterval(() => this.#look(), LOOK_MS);
    this.#say({ what: "hello" });
    let steal = false;
    while (!this.signal.aborted) {
      await lock.opened(this.signal); // a tab without a key leaves it to those that have one
      this.#wait = new AbortController();
      const until = AbortSignal.any([this.signal, this.#wait.signal]);
      const turn = () => this.#listen();
      const turns = steal
        ? navigator.locks.request(NAME, { steal }, turn)
        : navigator.locks.request(NAME, { signal: until }, turn);
      await turns.catch(() => undefined); // it was stolen, or waiting for it given up
      this.#lead?.abort();
      this.#lead = null;
      this.#heardAt = Date.now();
      steal = this.#wait.signal.aborted;
    }
    clearInterval(looking);
    this.#channel.close();
  }

  /** Listen for all tabs, until the lock is lost or the server asks for a key that this tab has not. */
  #listen(): Promise<void> {
    const lead = (this.#lead = new AbortController());
    const told: Told = {
      event: (event, at) =>
        !lead.signal.aborted && (this.#take({ event, at }), this.#say({ what: "event", event, at })),
      state: (state) => {
        if (lead.signal.aborted || (state === "connecting" && this.#isIn)) return;
        this.#turn(state);
        if (state === "locked") lead.abort();
        else this.#tellAll("state");
      },
      alive: () => this.#say({ what: "alive" }),
    };
    return listen(this.url, told, AbortSignal.any([this.signal, lead.signal]), this.retry, this.#lastId);
  }

  #hear(said: Said): void {
    if (said.what === "hello") return this.#lead ? this.#tellAll("known") : undefined;
    if (said.what === "retry") return void (this.#lead && this.retry.dispatchEvent(new Event("retry")));
    this.#heardAt = Date.now();
    if (lock.isShut) return this.#leave();
    if (said.what === "event") this.#take(said);
    if (this.#isIn && said.what === "state") this.#turn(said.state);
    if (this.#isIn) return;
    if (said.what !== "known") return this.#say({ what: "hello" });
    for (const one of said.came) this.#take(one);
    this.#lastId = said.lastId;
    this.#isIn = true;
    this.#turn(said.state);
  }

  /** What others may see is not for this tab until it has the key; then it loads anew what it missed. */
  #leave(): void {
    if (this.#isIn) this.#turn("locked");
    this.#isIn = false;
  }

  /** Followers take over from a tab that sleeps, once they are looked at. */
  #look(): void {
    const isSilent = Date.now() - this.#heardAt > SILENCE_MS;
    if (this.#lead === null && isSilent && document.visibilityState === "visible" && !lock.isShut) this.#wait.abort();
  }

  #take(came: Came): void {
    const { kind, data, id } = came.event;
    if (kind === "status") this.#newest.set(kind, came);
    if (kind === "price") this.#newest.set(JSON.parse(data).instrument, came);
    this.#lastId = id ?? this.#lastId;
    this.told.event(came.event, came.at);
  }

  #turn(state: StreamState): void {
    this.#isIn ||= state === "live";
    this.#state = state;
    this.told.state(state);
  }

  #tellAll(what: "state" | "known"): void {
    this.#say({ what, state: this.#state, came: [...this.#newest.values()], lastId: this.#lastId });
  }

  #say(said: Said): void {
    this.#channel.postMessage(said);
  }
}
