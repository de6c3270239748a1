/** What of the journal is shown, as the page's address has it, and as the server is asked for it. */

import type { paths } from "../api/client";
import { beginningOf } from "../format/local_time";
import type { Zone } from "../format/times";
import { SESSIONS } from "./entry_form";

export type EntryQuery = NonNullable<paths["/api/journal/entries"]["get"]["parameters"]["query"]>;
export const OUTCOMES = ["WIN", "LOSS", "BREAKEVEN"] as const;
const SIDES = ["BUY", "SELL"] as const;
/** The filters' names in the address, which are the server's. */
export const FILTERS = [
  "symbol",
  "type",
  "outcome",
  "session",
  "setup",
  "tag",
  "from",
  "to",
  "closed_on",
  "signal_id",
] as const;
export type FilterName = (typeof FILTERS)[number];

/**
 * The server's query. Days are the reader's, `to` included. What in an address is no filter (somebody wrote it by
 * hand) is passed over rather than refused.
 */
export function queryOf(address: URLSearchParams, zone: Zone): EntryQuery {
  const given = (name: FilterName) => (address.get(name) ?? "").replaceAll("\0", "").trim();
  const one = <T extends string>(words: readonly T[], name: FilterName) => words.find((word) => word === given(name));
  const id = Number(given("signal_id"));
  const found = {
    symbol: given("symbol").slice(0, 40),
    type: one(SIDES, "type"),
    outcome: one(OUTCOMES, "outcome"),
    session: one(SESSIONS, "session"),
    setup: given("setup").slice(0, 100),
    tag: given("tag").slice(0, 100),
    from: beginningOf(given("from"), zone),
    to: beginningOf(given("to"), zone, 1),
    closed_on: /^\d{4}-\d\d-\d\d$/.test(given("closed_on")) ? given("closed_on") : null,
    signal_id: Number.isSafeInteger(id) && id > 0 ? id : null,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value)) as EntryQuery;
}
