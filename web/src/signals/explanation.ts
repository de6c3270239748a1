/** How the figures of a decision read: who voted by which numbers, and what a filter measured against what. */

import type { Schema } from "../api/client";
import { NONE, duration, number, percent, pips, price } from "../format/numbers";

type Votes = Schema<"TimeframeVotes">;
type Facts = { display_precision: number; pip: number } | undefined;

type Voter = { name: "ema_ribbon" | "rsi" | "macd" | "bollinger" | "stochastic" | "volume"; label: string; of: string };

/** The voters in the strategy's order; `of` says what their figures are. */
export const VOTERS: readonly Voter[] = [
  { name: "ema_ribbon", label: "EMA ribbon", of: "fast, middle, slow" },
  { name: "rsi", label: "RSI", of: "0 to 100" },
  { name: "macd", label: "MACD", of: "line, signal" },
  { name: "bollinger", label: "Bollinger", of: "place in the band" },
  { name: "stochastic", label: "Stochastic", of: "K, D" },
  { name: "volume", label: "Volume", of: "times the usual" },
];

/** The figures that a voter voted by, one by one. */
export function figures(votes: Votes, voter: Voter, instrument: Facts): string[] {
  const { values } = votes;
  const precision = instrument?.display_precision ?? 5;
  switch (voter.name) {
    case "ema_ribbon":
      return [values["ema_fast"], values["ema_middle"], values["ema_slow"]].map((value) => price(value, precision));
    case "rsi":
      return [number(values["rsi"], 1)];
    case "macd":
      return [values["macd"], values["macd_signal"]].map((value) => price(value, precision + 1));
    case "bollinger":
      return [number(values["bollinger_position"], 2)];
    case "stochastic":
      return [number(values["stochastic_k"], 1), number(values["stochastic_d"], 1)];
    case "volume":
      return [number(values["volume_ratio"], 2)];
  }
}

/** A vote in a word. */
export function vote(value: number): "buy" | "sell" | "silent" {
  return value > 0 ? "buy" : value < 0 ? "sell" : "silent";
}

const UNITS: Record<string, (value: number, instrument: Facts) => string> = {
  stale_data: (value) => duration(value),
  cooldown: (value) => duration(value),
  agreement: (value) => percent(value, 0),
  volatility: (value) => percent(value, 3),
  spread: (value, instrument) => (instrument ? `${pips(value, instrument.pip)} pips` : price(value, 5)),
  strength: (value) => number(value, 1),
  trend: (value) => number(value, 1),
  no_direction: (value) => number(value, 2),
  exposure: (value) => number(value),
};

/** A filter's figure in the unit that it is measured in. */
export function filterFigure(name: string, value: number | null | undefined, instrument: Facts): string {
  if (value === null || value === undefined) return NONE;
  return (UNITS[name] ?? ((other: number) => number(other, 2)))(value, instrument);
}

const LABELS: Record<string, string> = {
  stale_data: "Age of the data",
  market_closed: "Market open",
  regime: "Regime is traded",
  no_direction: "Votes of the leading side",
  agreement: "Timeframes agree",
  strength: "Strength",
  volatility: "Volatility (ATR of price)",
  trend: "Trend (ADX)",
  spread: "Spread",
  exposure: "Open in one currency",
  cooldown: "Since the last signal",
};

export function filterLabel(name: string): string {
  return LABELS[name] ?? name.replaceAll("_", " ");
}

const AT_MOST = new Set(["stale_data", "spread", "exposure"]);

/** What a filter demands, for instance `at least 25.0`; volatility has a floor and a ceiling, and names the one that counts. */
export function demanded(verdict: Schema<"FilterVerdict">, instrument: Facts): string {
  const { name, measured, threshold, passed } = verdict;
  if (threshold === null) return NONE;
  const isCeiling =
    AT_MOST.has(name) || (name === "volatility" && !passed && measured !== null && measured > threshold);
  return `${isCeiling ? "at most" : "at least"} ${filterFigure(name, threshold, instrument)}`;
}
