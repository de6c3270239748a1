/** The candles that the chart holds: so many and no more, however long the page is open. */

import type { Schema } from "../api/client";

export type Window = Pick<Schema<"Candles">, "instrument" | "granularity" | "source" | "candles" | "indicators">;

export const KEPT = 500;
/** How many of the newest candles are asked for when one has closed: more than can have closed or been revised. */
export const TAIL = 3;

/** The window with its newest candles put right; null where the tail is not one of it, or does not go on from it. */
export function advanced(window: Window, tail: Window): Window | null {
  const first = tail.candles[0];
  if (first === undefined) return window;
  const place = window.candles.findIndex((one) => one.time === first.time);
  const names = Object.keys(window.indicators ?? {});
  if (place < 0 || kindOf(window) !== kindOf(tail)) return null;
  const joined = <T>(before: T[], after: T[]): T[] => [...before.slice(0, place), ...after].slice(-KEPT);
  return {
    ...window,
    candles: joined(window.candles, tail.candles),
    indicators: Object.fromEntries(
      names.map((name) => {
        const [before, after] = [window.indicators![name]!, tail.indicators![name]!];
        return [name, { ...after, values: joined(before.values, after.values) }];
      }),
    ),
  };
}

function kindOf({ instrument, granularity, indicators }: Window): string {
  return [instrument, granularity, ...Object.keys(indicators ?? {})].join();
}
