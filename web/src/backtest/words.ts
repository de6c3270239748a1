/** What was asked of a backtest, in words. */

import type { Schema } from "../api/client";
import { NONE, number, words } from "../format/numbers";
import { time } from "../format/times";
import type { Value, Verdict } from "./report";

export const KINDS: Record<string, string> = {
  single: "One run",
  grid: "Grid",
  walk_forward: "Walk-forward",
};

export const FIGURES: Record<string, string> = {
  expectancy_r: "Expectancy, R a trade",
  profit_factor: "Profit factor",
  net_r: "Net, R",
  sharpe: "Sharpe ratio, a year",
  trades: "Trades",
  win_rate: "Win rate",
  net: "Net",
  max_drawdown: "Deepest drawdown",
};

/** By what the best of several settings is chosen. */
export const CHOSEN_BY: Record<string, string> = {
  expectancy_r: "expectancy in R",
  profit_factor: "profit factor",
  net_r: "net result in R",
  sharpe: "Sharpe ratio",
};

export const TONES: Record<Verdict, "bad" | "good" | "plain"> = {
  too_few: "plain",
  losing: "bad",
  none: "plain",
  suggested: "good",
};

/** A setting's value as one writes it. */
export function value(of: Value | undefined): string {
  if (of === null || of === undefined) return NONE;
  if (Array.isArray(of)) return of.length ? of.map((one) => value(one)).join("+") : "none";
  return typeof of === "number" ? String(Number(of.toPrecision(10))) : of;
}

/** `minimum_votes = 2.5, stop_atr = 1.5`. */
export function values(of: Record<string, Value>): string {
  return Object.entries(of)
    .map(([name, one]) => `${name} = ${value(one)}`)
    .join(", ");
}

/** What makes this backtest another one than its neighbours in the list: everything but instruments and period. */
export function distinction(of: Schema<"ListedBacktest">): string {
  const axes = Object.entries(of.grid as Record<string, Value[]>).map(
    ([name, tried]) => `${name} (${number(tried.length)} values)`,
  );
  const changed = values(of.settings as Record<string, Value>) || "all settings as by default";
  return [KINDS[of.kind] ?? words(of.kind), ...(axes.length ? [axes.join(" × ")] : []), changed].join(" · ");
}

/** A period was asked for in days of UTC, and is told so wherever its reader is. */
export function period(of: { from: string; to: string }): string {
  return `${time(of.from, "utc", "day")} to ${time(of.to, "utc", "day")}`;
}

/** A probability, never told as certain. */
export function chance(of: number | null): string {
  if (of === null) return NONE;
  if (of < 0.001) return "less than 0.1 %";
  return of > 0.999 ? "more than 99.9 %" : `${number(of * 100, 1)} %`;
}
