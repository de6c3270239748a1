/** What goes on in the background, followed to its end. */

import { live } from "../live/live.svelte";

const EACH_MS = 1_000;

/**
 * Ask again each second while something goes on. No event of the stream tells how far a backtest or a download is, so
 * this is asked for; only while the tab is seen and the server is there. Call it while a component is set up.
 */
export function followed(goesOn: () => boolean, again: () => Promise<void>): void {
  $effect(() => {
    if (!goesOn() || !live.isSeen || live.stream === "down" || live.stream === "locked") return;
    let timer: ReturnType<typeof setTimeout>;
    let isOver = false;
    const next = () => {
      timer = setTimeout(async () => {
        await again();
        if (!isOver) next();
      }, EACH_MS);
    };
    next();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  });
}

export function goesOn(status: string | undefined): boolean {
  return status === "queued" || status === "running";
}
