/** The history as columns for charts. */

import type { Schema } from "../api/client";

type Point = Schema<"Point">;
export type Steps = { at: number[]; column: (read: (point: Point) => number | null | undefined) => (number | null)[] };

/** A step in which nothing was measured is left out by the server: here it is a hole, so that no line bridges it. */
export function steps(points: Point[], stepSeconds: number): Steps {
  const at: number[] = [];
  const found: (Point | null)[] = [];
  for (const point of points) {
    const begin = Date.parse(point.at) / 1000;
    const before = at.at(-1);
    if (before !== undefined && begin - before > stepSeconds) {
      at.push(before + stepSeconds);
      found.push(null);
    }
    at.push(begin);
    found.push(point);
  }
  return { at, column: (read) => found.map((point) => (point === null ? null : (read(point) ?? null))) };
}
