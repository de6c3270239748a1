/** The desk's stream, held open: lost connections are made anew and go on where they were. */

import { headersOf, keptKey } from "../api/key";
import { lock } from "../api/lock.svelte";
import { EventReader, type ServerEvent } from "./events";

/** `waiting` for the first connection or the next, since the stream is down; `locked`: the server asks for its key. */
export type StreamState = "connecting" | "live" | "down" | "locked";

/** What came is told with the moment it came at, in ms; `alive` of whatever came, comments included. */
export type Told = {
  event: (event: ServerEvent, at: number) => void;
  state: (state: StreamState) => void;
  alive?: () => void;
};

const SILENCE_MS = 25_000; // a comment comes every 15 s at the latest; a false alarm costs a connection, and misses nothing
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * Listen until `signal` is aborted. `retry` ends a wait early: somebody pressed a button, the network came back. While
 * the server asks for its key, that is waited for. It goes on from `lastId`: whatever was missed for more than five
 * minutes the server says in an event `reset`.
 */
export async function listen(
  url: string,
  told: Told,
  signal: AbortSignal,
  retry: EventTarget,
  lastId: string | null = null,
): Promise<void> {
  let wait = FIRST_WAIT_MS;
  told.state("connecting");
  while (!signal.aborted) {
    const reader = new EventReader();
    const outcome = await once(url, lastId, reader, told, signal);
    lastId = reader.id ?? lastId;
    if (signal.aborted) return;
    told.state(outcome === "locked" ? "locked" : "down");
    wait = outcome === "was live" ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS);
    if (outcome === "locked") await lock.opened(signal);
    else await pause(wait * (0.75 + Math.random() / 2), signal, retry);
  }
}

async function once(
  url: string,
  lastId: string | null,
  reader: EventReader,
  told: Told,
  signal: AbortSignal,
): Promise<"was live" | "refused" | "locked"> {
  const ending = new AbortController();
  const end = () => ending.abort();
  signal.addEventListener("abort", end, { once: true });
  let silence = setTimeout(end, SILENCE_MS);
  let wasLive = false;
  try {
    const key = keptKey();
    const headers: Record<string, string> = { Accept: "text/event-stream", ...headersOf(key) };
    if (lastId !== null) headers["Last-Event-ID"] = lastId;
    const response = await fetch(url, { headers, signal: ending.signal, cache: "no-store" });
    if (response.status === 401) {
      lock.shut(key);
      return "locked";
    }
    if (!response.ok || response.body === null) return "refused";
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    told.state("live");
    wasLive = true;
    for (;;) {
      const { done, value } = await text.read();
      if (done) break;
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS);
      told.alive?.();
      for (const event of reader.take(value)) told.event(event, Date.now());
    }
  } catch {
    // the connection broke, or was silent too long: the caller says so and tries again
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", end);
    end();
  }
  return wasLive ? "was live" : "refused";
}

/** Wait so long, at most until `retry`, or until `signal` is aborted. */
function pause(ms: number, signal: AbortSignal, retry: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      retry.removeEventListener("retry", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
    retry.addEventListener("retry", done, { once: true });
  });
}
