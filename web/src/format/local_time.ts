/** Moments as a `datetime-local` field has them, in the reader's zone or in UTC; on the wire they are always UTC. */

import { dayAfter, dayOf } from "./days";
import { type Moment, type Zone, milliseconds } from "./times";

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?$/;
const two = (part: number) => String(part).padStart(2, "0");

/** For instance `2026-03-02T08:15`, with seconds only where there are some; "" for no moment. */
export function fieldOfMoment(moment: Moment, zone: Zone): string {
  const at = milliseconds(moment);
  if (Number.isNaN(at)) return "";
  const here = new Date(at);
  const shown = zone === "utc" ? here : new Date(at - here.getTimezoneOffset() * 60_000);
  return shown.toISOString().slice(0, shown.getUTCSeconds() ? 19 : 16);
}

/** RFC 3339 in UTC; null for what is no time, or is left out where the clocks go forward. */
export function momentOfField(text: string, zone: Zone): string | null {
  const parts = WRITTEN.exec(text);
  if (parts === null) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(1).map((part) => +(part ?? 0));
  const at =
    zone === "utc"
      ? Date.UTC(year, month - 1, day, hour, minute, second)
      : new Date(year, month - 1, day, hour, minute, second).getTime();
  if (Number.isNaN(at) || fieldOfMoment(at / 1000, zone).slice(0, 16) !== text.slice(0, 16)) return null;
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** When a day begins, or the one `later` days after it; null for what is no day. */
export function beginningOf(text: string, zone: Zone, later = 0): string | null {
  const day = dayOf(text);
  return day === null ? null : momentOfField(`${dayAfter(day, later)}T00:00`, zone);
}

/** What the zone is called and where it stands, for instance `Europe/London, UTC+01:00`. */
export function zoneName(zone: Zone, at: number = Date.now()): string {
  if (zone === "utc") return "UTC";
  const minutes = -new Date(at).getTimezoneOffset();
  const offset = `${minutes < 0 ? "−" : "+"}${two(Math.trunc(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone}, UTC${offset}`;
}
