/** What restricts the list of signals: as the page's address keeps it, and as the server is asked for it. */

import type { paths } from "../api/client";
import type { Zone } from "../format/times";
import { beginningOf } from "../format/local_time";

export const STATUSES = ["PENDING", "ACTIVE", "WON", "LOST", "EXPIRED", "CLOSED", "CANCELLED"] as const;

/** Each as text, "" for no restriction. `status`: several with commas. `from`, `to`: days, the latter included. */
export type Filters = Record<(typeof NAMES)[number], string>;
const NAMES = ["status", "instrument", "direction", "from", "to", "confidence"] as const;

export const NONE: Filters = { status: "", instrument: "", direction: "", from: "", to: "", confidence: "" };

/** The filters in an address, or in a saved view; whatever else is there is passed over. */
export function filtersOf(query: URLSearchParams): Filters {
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""])) as Filters;
}

/** The same as text: two lists are restricted alike where it is the same. */
export function textOf(filters: Filters): string {
  return new URLSearchParams(
    NAMES.filter((name) => filters[name] !== "").map((name) => [name, filters[name]]),
  ).toString();
}

export function isRestricted(filters: Filters): boolean {
  return NAMES.some((name) => filters[name] !== "");
}

export type Question = NonNullable<paths["/api/signals"]["get"]["parameters"]["query"]>;

/** What the server is asked: the days are those of the reader's zone. */
export function asked(filters: Filters, zone: Zone): Question {
  const { status, instrument, direction, confidence } = filters;
  const from = beginningOf(filters.from, zone);
  const to = beginningOf(filters.to, zone, 1);
  return {
    ...(status && { status }),
    ...(instrument && { symbol: instrument }),
    ...(direction && { direction }),
    ...(from && { from }),
    ...(to && { to }),
    ...(confidence && { min_confidence: Number(confidence) }),
  };
}

/** Where the file of these signals is. */
export function exportPath(filters: Filters, zone: Zone, format: "csv" | "ndjson"): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(asked(filters, zone))) query.set(name, String(value));
  return `/api/signals/export?${query}`;
}

/** Take one status in or out, in the order of their lives. */
export function toggled(statuses: string, one: string): string {
  const chosen = new Set(statuses.split(",").filter(Boolean));
  if (!chosen.delete(one)) chosen.add(one);
  return STATUSES.filter((status) => chosen.has(status)).join(",");
}

/** What is wrong with a filter, by its name; the server is not asked until nothing is. */
export function faults(filters: Filters): Partial<Filters> {
  const found: Partial<Filters> = {};
  const confidence = Number(filters.confidence);
  if (!(confidence >= 0 && confidence <= 100)) found.confidence = "A number from 0 to 100.";
  for (const name of ["from", "to"] as const) {
    if (filters[name] && beginningOf(filters[name], "utc") === null) found[name] = "This is no day.";
  }
  if (!found.from && !found.to && filters.from && filters.to && filters.to < filters.from) {
    found.to = "This day is before the first one.";
  }
  return found;
}
