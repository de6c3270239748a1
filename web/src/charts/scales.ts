/** Round places on an axis, and what is written beside them. */

import type { Zone } from "../format/times";

const STEPS = [1, 2, 5, 10];

/**
 * Round numbers from at or below `low` to at or above `high`, some `count` steps of no less than `least`; zero is one
 * where it lies between.
 */
export function ticks(low: number, high: number, count = 4, least = 0): number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = Math.max(span / count, least);
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.find((one) => one * magnitude >= rough * (1 - 1e-9))! * magnitude;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Labels of one axis, without the zeros behind the point that all of them end in. */
export function withoutZeros(labels: string[]): string[] {
  const zeros = /\.(0+)(?=\D*$)/;
  return labels.every((one) => zeros.test(one) || !one.includes("."))
    ? labels.map((one) => one.replace(zeros, ""))
    : labels;
}

/** What the x of a chart is: moments in seconds since 1970, whole days (their midnight in UTC), or plain numbers. */
export type XKind = "time" | "day" | "number";

const DAY = 86_400;
/** Steps of an axis of whole days: days, then months, then years. */
export const DAY_STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 30, 60, 90, 120, 180, 365, 730, 1825, 3650].map(
  (days) => days * DAY,
);
const AROUND: Record<XKind, number> = { time: 1_800, day: 2 * DAY, number: 1 };
const formats = new Map<string, Intl.DateTimeFormat>();

function written(seconds: number, zone: Zone, parts: Intl.DateTimeFormatOptions): string {
  const key = zone + JSON.stringify(parts);
  let format = formats.get(key);
  if (format === undefined) {
    const place = zone === "utc" ? { timeZone: "UTC" } : {};
    format = new Intl.DateTimeFormat("en-GB", { ...parts, ...place, hourCycle: "h23" });
    formats.set(key, format);
  }
  return format.format(seconds * 1000);
}

/** Labels of a time axis whose ticks are `step` seconds apart: below the first, and where it changes, the greater part. */
export function timeLabels(at: number[], step: number, zone: Zone): string[] {
  const [fine, coarse]: [Intl.DateTimeFormatOptions, Intl.DateTimeFormatOptions | null] =
    step >= 365 * DAY
      ? [{ year: "numeric" }, null]
      : step >= 28 * DAY
        ? [{ month: "short" }, { year: "numeric" }]
        : step >= DAY
          ? [{ day: "numeric", month: "short" }, { year: "numeric" }]
          : [
              { hour: "2-digit", minute: "2-digit", ...(step < 60 ? { second: "2-digit" } : {}) },
              { day: "numeric", month: "short" },
            ];
  let before = "";
  return at.map((one) => {
    const label = written(one, zone, fine);
    const greater = coarse ? written(one, zone, coarse) : "";
    const isNew = greater !== before;
    before = greater;
    return isNew ? `${label}\n${greater}` : label;
  });
}

/** What an axis shows around a single place: half an hour on either side, two days, or one. */
export function around(x: number, kind: XKind): [number, number] {
  return [x - AROUND[kind], x + AROUND[kind]];
}

/** One place on the x-axis in full. */
export function xLabel(x: number, kind: XKind, zone: Zone): string {
  if (kind === "number") return String(x);
  if (kind === "day") return written(x, "utc", { year: "numeric", month: "short", day: "2-digit" });
  return written(x, zone, { year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit" });
}

/** What a line does, in a sentence for who does not see it; null where it has no value. */
export function summary(
  x: number[],
  values: (number | null)[],
  where: (x: number) => string,
  format: (value: number) => string,
): string | null {
  const known = values.flatMap((value, i) => (value === null ? [] : [{ x: x[i]!, value }]));
  const first = known[0];
  const last = known.at(-1);
  if (!first || !last) return null;
  let lowest = first;
  let highest = first;
  for (const one of known) {
    if (one.value < lowest.value) lowest = one;
    if (one.value > highest.value) highest = one;
  }
  const told = ({ x, value }: { x: number; value: number }) => `${format(value)} (${where(x)})`;
  return `first ${told(first)}, last ${told(last)}, lowest ${told(lowest)}, highest ${told(highest)}`;
}
