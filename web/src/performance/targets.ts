/** The server's targets as rows of a table, and what they come to in a sentence. What holds, the server has said. */

import type { Schema } from "../api/client";
import { NONE, number, words } from "../format/numbers";

type Indicator = Schema<"Indicator">;
type Claim = Schema<"Claim">;
type Fares = Claim["status"];

const NAMES: Record<string, string> = {
  response_time_cached: "Answers from memory",
  response_time_uncached: "Answers made anew",
  query_time: "Database statements",
  generation_memory: "Memory while generating",
  cache_hit_rate: "Cache hit rate",
  concurrent_requests: "Clients at once",
};

export const FARES: Record<Fares, string> = {
  met: "met",
  missed: "missed",
  no_data: "not yet known",
  unproven: "not yet proven",
};

export function indicatorName(name: string): string {
  return NAMES[name] ?? words(name);
}

/** A value of an indicator with its unit. */
export function inUnit(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return NONE;
  if (unit === "percent") return `${number(value, 1)} %`;
  if (unit === "clients") return number(value, Number.isInteger(value) ? 0 : 1);
  return `${number(value, value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** "at most 8.00 ms" */
export function promise(claim: Claim, unit: string): string {
  return claim.at_most === null ? `at least ${inUnit(claim.at_least, unit)}` : `at most ${inUnit(claim.at_most, unit)}`;
}

export type Row = {
  key: string;
  /** The first row of an indicator carries what is said of the whole. */
  first: boolean;
  indicator: Indicator;
  claim: Claim;
  value: number | null;
  /** The value as a multiple of the limit; null where it is not known. */
  share: number | null;
};

/** One row for each claim. */
export function rows(indicators: Indicator[]): Row[] {
  return indicators.flatMap((indicator) =>
    indicator.target.map((claim, index) => {
      const value = indicator[claim.statistic as "mean" | "p50" | "p95" | "p99" | "peak" | "rate"] ?? null;
      const limit = claim.at_most ?? claim.at_least;
      const share = value === null || !limit ? null : value / limit;
      return { key: `${indicator.name} ${claim.statistic}`, first: index === 0, indicator, claim, value, share };
    }),
  );
}

/** How the whole fares, in a sentence of one line: which ones, the table below says. */
export function verdict(indicators: Indicator[]): { tone: "good" | "bad" | "muted"; text: string } {
  const of = (status: Fares) => indicators.filter((one) => one.status === status).length;
  const [missed, met] = [of("missed"), of("met")];
  const open = indicators.length - missed - met;
  const rest = open === 0 ? "" : `, ${open} not yet known`;
  if (missed > 0) return { tone: "bad", text: `${missed} of ${indicators.length} targets missed${rest}.` };
  if (met === 0) return { tone: "muted", text: "No target can be judged yet: too little has happened." };
  if (open === 0) return { tone: "good", text: `All ${met} targets are met.` };
  return { tone: "good", text: `${met} of ${indicators.length} targets met, none missed${rest}.` };
}
