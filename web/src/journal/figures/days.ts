/** The days of a calendar, as `2026-03-02`, and how strongly each is coloured. */

import { dayAfter } from "../../format/days";

const pad = (part: number) => String(part).padStart(2, "0");

/** Weeks from Monday to Sunday that a year, or one of its months (1 to 12), has days in; null: a day of another one. */
export function weeksOf(year: number, month: number | null): (string | null)[][] {
  const first = `${year}-${pad(month ?? 1)}-01`;
  const beyond = month === null || month === 12 ? `${year + 1}-01-01` : `${year}-${pad(month + 1)}-01`;
  const sinceMonday = (new Date(first).getUTCDay() + 6) % 7;
  const weeks: (string | null)[][] = [];
  for (let monday = dayAfter(first, -sinceMonday); monday < beyond; monday = dayAfter(monday, 7)) {
    const days = Array.from({ length: 7 }, (_, i) => dayAfter(monday, i));
    weeks.push(days.map((day) => (day >= first && day < beyond ? day : null)));
  }
  return weeks;
}

export const STEPS = 4;

/**
 * From -STEPS to STEPS, by how much of the largest gain or loss a value is: as much won as lost is as strong. Zero
 * is 0, and all else at least one step from it.
 */
export function strength(value: number, most: number): number {
  if (value === 0 || most === 0) return 0;
  return Math.sign(value) * Math.min(STEPS, Math.ceil((Math.abs(value) / most) * STEPS));
}

/** The month before or after (`step` -1 or 1), or the year where no month is chosen. */
export function stepped(year: number, month: number | null, step: number): { year: number; month: number | null } {
  if (month === null) return { year: year + step, month };
  const months = year * 12 + (month - 1) + step;
  return { year: Math.floor(months / 12), month: (months % 12) + 1 };
}
