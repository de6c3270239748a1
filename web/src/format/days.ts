/** Days, as `2026-03-02`. */

const DAY_MS = 86_400_000;

/** A day as an address has it; null for what is none: somebody wrote it by hand, and it is passed over. */
export function dayOf(text: string | null): string | null {
  if (text === null || !/^(19[7-9]\d|20\d\d)-\d\d-\d\d$/.test(text) || Number.isNaN(Date.parse(text))) return null;
  return dayAfter(text, 0) === text ? text : null; // of a 31st of February browsers make a day in March
}

/** The day that lies `count` days after this one. */
export function dayAfter(day: string, count = 1): string {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
}
