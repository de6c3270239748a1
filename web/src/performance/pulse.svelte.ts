/**
 * Asks anew every so often. The stream tells what the desk does, not how fast it does it: so this page asks by the
 * clock, and only while it is open, the tab is seen, the server is there and nobody paused it.
 */

import { live } from "../live/live.svelte";

type Beat = { everyMs: number; ask: () => Promise<void> };

/** Create it while a component is set up: it ends with it. What is asked for is asked again after it was answered. */
export class Pulse {
  isPaused = $state(false);

  constructor(...beats: Beat[]) {
    let wasResting = false; // what was loaded with the page, or after a break of the stream, is fresh
    $effect(() => {
      if (this.isPaused || !live.isSeen || live.stream !== "live") {
        wasResting ||= this.isPaused || !live.isSeen;
        return;
      }
      const endings = beats.map((beat) => begin(beat, wasResting));
      wasResting = false;
      return () => endings.forEach((end) => end());
    });
  }
}

function begin({ everyMs, ask }: Beat, atOnce: boolean): () => void {
  let isOver = false;
  let timer = setTimeout(beat, atOnce ? 0 : everyMs);
  async function beat() {
    await ask();
    if (!isOver) timer = setTimeout(beat, everyMs);
  }
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
