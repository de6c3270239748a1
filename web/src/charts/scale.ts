/** The chart's time axis: it knows UTC alone, so that local times are given to it as if they were UTC. */

import type { Zone } from "../format/times";

/**
 * The moments (seconds since 1970, rising) as the zone's clocks show them. Where clocks are set back, what would go back
 * is put a second behind the one before: an axis only rises.
 */
export function zoned(moments: readonly number[], zone: Zone): number[] {
  let before = -Infinity;
  return moments.map((moment) => {
    const shown = zone === "utc" ? moment : moment - new Date(moment * 1000).getTimezoneOffset() * 60;
    before = Math.max(before + 1, shown);
    return before;
  });
}

/** The place of the newest candle that has begun by then; -1 before the first. `starts` rise. */
export function placeOf(moment: number, starts: readonly number[]): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
