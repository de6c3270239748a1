/** Which signals are asked for; `source` and `strategy` of the interface are one choice: whose. */

import type { Schema } from "../api/client";
import type { paths } from "../api/client";
import { beginningOf } from "../format/local_time";
import type { Zone } from "../format/times";

export type Query = NonNullable<paths["/api/signals/track-record"]["get"]["parameters"]["query"]>;
export const FILTERS = ["source", "strategy", "instrument", "simulated", "from", "to"] as const;

/** The server's query. Days in the address are the reader's, `to` included. */
export function queryOf(address: URLSearchParams, zone: Zone): Query {
  const given = (name: (typeof FILTERS)[number]) => address.get(name) ?? "";
  const found = {
    source: given("source"),
    strategy: given("strategy"),
    instrument: given("instrument"),
    simulated: ["true", "false"].includes(given("simulated")) ? given("simulated") : "",
    from: beginningOf(given("from"), zone),
    to: beginningOf(given("to"), zone, 1),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value)) as Query;
}

export type Whose = { source: string; strategy: string; label: string };
type LeftOut = Schema<"LeftOut">;

const OWN: Whose = { source: "", strategy: "", label: "The desk's strategy" };
const HAND: Whose = { source: "", strategy: "manual", label: "Made by hand" };
const PREDECESSOR: Whose = { source: "predecessor", strategy: "", label: "The predecessor's" };

/** Where the signals that a record left out are in one; null where asking otherwise shows none of them. */
export function whoseAre({ reason, source, strategy }: LeftOut): Whose | null {
  if (reason === "predecessor") return PREDECESSOR;
  if (reason === "made_by_hand") return HAND;
  if (reason === "other_strategy" && strategy) return { source: "", strategy, label: `Strategy ${strategy}` };
  if (reason === "other_market" && source) return { source, strategy: "", label: `Market ${source}` };
  return null;
}

/** All that may be chosen: the three that are always there, what a record left out, and what is chosen now. */
export function choices(leftOut: LeftOut[], now: { source: string; strategy: string }): Whose[] {
  const chosen: Whose = { ...now, label: [now.source, now.strategy].filter(Boolean).join(", ") };
  const all = [OWN, HAND, PREDECESSOR, ...leftOut.map(whoseAre).filter((one) => one !== null), chosen];
  return all.filter((one, i) => all.findIndex((other) => key(other) === key(one)) === i);
}

export function key({ source, strategy }: { source: string; strategy: string }): string {
  return JSON.stringify([source, strategy]);
}
