/** Moments in the reader's zone, or in UTC where that is preferred. */

export type Zone = "local" | "utc";
export type Moment = string | number | null | undefined;

const formats = new Map<string, Intl.DateTimeFormat>();

const PARTS: Record<string, Intl.DateTimeFormatOptions> = {
  moment: { year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  second: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  time: { hour: "2-digit", minute: "2-digit" },
  day: { year: "numeric", month: "short", day: "2-digit" },
};

/** RFC 3339, or seconds since 1970, as ms; NaN where it is neither. */
export function milliseconds(moment: Moment): number {
  if (moment === null || moment === undefined) return NaN;
  return typeof moment === "number" ? moment * 1000 : Date.parse(moment);
}

/** `what`: `moment` is day and minute, `second` a clock, `time` hours and minutes, `day` a date. */
export function time(moment: Moment, zone: Zone, what: keyof typeof PARTS = "moment"): string {
  const at = milliseconds(moment);
  if (Number.isNaN(at)) return "–";
  const key = `${what}${zone}`;
  let format = formats.get(key);
  if (format === undefined) {
    const place = zone === "utc" ? { timeZone: "UTC" } : {};
    format = new Intl.DateTimeFormat("en-GB", { ...PARTS[what], ...place, hourCycle: "h23" });
    formats.set(key, format);
  }
  return format.format(at);
}

/** In UTC to the second, with its zone: what a hover shows. */
export function utc(moment: Moment): string {
  const at = milliseconds(moment);
  return Number.isNaN(at) ? "" : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
