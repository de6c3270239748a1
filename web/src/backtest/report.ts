/** A report as docs/backtesting.md describes it: one document, which the interface's description does not spell out. */

import { type Schema, answer, server } from "../api/client";

export type Estimate = Schema<"Estimate">;
export type Value = number | string | null | (number | string)[];

type Random = {
  own: number | null;
  mean: number | null;
  low: number | null;
  high: number | null;
  as_well: number | null;
  p: number | null;
  edges: number[] | null;
  counts: number[] | null;
};
type Held = { return: number; max_drawdown: number };

export type Controls = {
  random: { seeds: number; trades: number; expectancy_r: Random; profit_factor: Random };
  without_spread: { trades: number; net_r: number | null; expectancy_r: Estimate; profit_factor: Estimate };
  held: { instruments: Record<string, Held>; together: Held | null };
};

export type Sharpe = {
  tried: number;
  n: number;
  probability: number | null;
  deflated: number | null;
  assumed: boolean;
};

type Refused = { evaluated: number; signals: number; reasons: Record<string, number> };
type History = {
  candles: number;
  expected: number;
  missing: number;
  gap_count: number;
  gaps: { from: string; to: string; missing: number }[];
};

type Asked = {
  instruments: string[];
  from: string;
  to: string;
  settings: Record<string, Value>;
  options: Record<string, Value | Record<string, number[]> | boolean>;
  source: string | null;
  simulated: boolean | null;
  version: string;
  fingerprint?: string | null;
  evaluated_from?: string;
  evaluated_to?: string;
  candles?: Record<string, number>;
};

/** One list a column, in the order of closing. */
export type Trades = {
  instrument: string[];
  side: string[];
  status: string[];
  opened: number[];
  closed: number[];
  entry: number[];
  stop: number[];
  target: number[];
  exit: (number | null)[];
  pips: (number | null)[];
  r: (number | null)[];
  financing_r: number[];
  amount: (number | null)[];
  equity: (number | null)[];
  ambiguous: boolean[];
};

export type Report = {
  kind: "single";
  verdict: Verdict;
  sentence: string;
  warnings: string[];
  asked: Asked;
  figures: {
    counts: Schema<"Counts">;
    rates: Schema<"Rates">;
    money: Schema<"Money">;
    r: Schema<"Multiples">;
    pips: Schema<"Pips">;
    streaks: Schema<"Streaks">;
    holding: Schema<"Holding">;
    excursions: Schema<"Excursions">;
    daily: Schema<"Daily">;
    drawdown: Schema<"Drawdown">;
  };
  sharpe: Sharpe;
  controls: Controls | null;
  breakdowns: Record<string, Schema<"JournalGroup">[]>;
  rejections: Refused & { instruments: Record<string, Refused> };
  ambiguous: number;
  still_open: number;
  history: Record<string, History>;
  days: { date: string[]; equity: number[]; drawdown: number[] };
  histogram: { edges: number[]; counts: number[] };
  trades: Trades;
};

export type Verdict = "too_few" | "losing" | "none" | "suggested";

export type Point = {
  number?: number;
  trades: number;
  net_r: number | null;
  expectancy_r: Estimate;
  profit_factor: Estimate;
  sharpe: number | null;
  max_drawdown: number | null;
  values?: Record<string, Value>;
};

export type Grid = {
  axes: Record<string, Value[]>;
  by: string;
  minimum_trades: number;
  asked: number;
  points: (Point & { number: number; values: Record<string, Value> })[];
  best: number | null;
  impossible: { why: string; count: number; example: Record<string, Value> }[];
  map: { down: string; across: string; level: number; values: (number | null)[][] } | null;
};

type Fold = {
  train_from: string | null;
  test_from: string;
  test_to: string;
  values: Record<string, Value>;
  in_sample: Point | null;
  out_of_sample: Point;
};

type Many = { sentence: string; verdict: Verdict | null; finished: number; tasks: number; asked: Asked };

export type GridDocument = Many & { kind: "grid"; grid: Grid; report: Report | null };
export type WalkDocument = Many & {
  kind: "walk_forward";
  by: string;
  tried: number;
  in_sample_r: number | null;
  out_of_sample_r: number | null;
  folds: Fold[];
  report: Report | null;
};
export type ReportDocument = Report | GridDocument | WalkDocument;

export type Comparison = {
  names: string[];
  sentence: string;
  sentences: string[];
  warnings: string[];
  settings: Record<string, Value[]>;
  options: Record<string, Value[]>;
  figures: Record<string, (number | Estimate | null)[]>;
  differences: { days: number; expectancy_r: Estimate; sentence: string }[];
};

/** The whole document: hundreds of kilobytes for a year. */
export async function loadReport(id: number, signal: AbortSignal): Promise<ReportDocument> {
  const asked = { params: { path: { backtest_id: id }, query: { format: "json" as const } }, signal };
  return (await answer(server.GET("/api/backtests/{backtest_id}/report", asked))) as unknown as ReportDocument;
}

/** The report of trades that a document has: itself, a grid's best, or the tests of a walk-forward as one account. */
export function reportIn(document: ReportDocument): Report | null {
  return document.kind === "single" ? document : document.report;
}

/** Trading days as the middle of their dates (UTC), in epoch seconds. */
export function daySeconds(dates: string[]): number[] {
  return dates.map((date) => Date.parse(`${date}T12:00:00Z`) / 1000);
}
