/** The form of a backtest: what is typed in it, what is wrong with that, and what is asked of the server. */

import type { Schema } from "../api/client";
import { numberOf } from "../format/numbers";
import type { Value } from "./report";
import { value } from "./words";

type Axis = { name: string; values: string };

/** Everything as it is typed; `settings` by their own names, empty where the default is meant. */
export type Asking = {
  source: string;
  instruments: string[];
  from: string;
  to: string;
  entry: "signal" | "next_open";
  positions: "many" | "one";
  balance: string;
  /** In percent. */
  risk: string;
  settings: Record<string, string>;
  kind: "single" | "grid" | "walk_forward";
  axes: Axis[];
  by: Schema<"NewBacktest">["by"];
  minimumTrades: string;
  tried: string;
  train: string;
  test: string;
  step: string;
  anchored: boolean;
  controls: boolean;
};

export function nothingAsked(): Asking {
  return {
    source: "",
    instruments: [],
    from: "",
    to: "",
    entry: "signal",
    positions: "many",
    balance: "10000",
    risk: "",
    settings: {},
    kind: "single",
    axes: [{ name: "", values: "" }],
    by: "expectancy_r",
    minimumTrades: "30",
    tried: "1",
    train: "90d",
    test: "30d",
    step: "",
    anchored: false,
    controls: true,
  };
}

/** By field, named as the server names it. */
export type Faults = Record<string, string>;

const filled = (axes: Axis[]) => axes.filter(({ name, values }) => name.trim() || values.trim());

/** The axes that count for this kind. */
function axesOf(asking: Asking): Axis[] {
  return asking.kind === "single" ? [] : filled(asking.axes);
}

/** What cannot be sent at all; whether the rest can be meant, the server says. */
export function unreadable(asking: Asking): Faults {
  const faults: Faults = {};
  if (!(numberOf(asking.balance) > 0)) faults["balance"] = "An amount above 0.";
  if (asking.risk.trim() && !(numberOf(asking.risk) > 0 && numberOf(asking.risk) < 100)) {
    faults["risk"] = "A percentage between 0 and 100, or nothing.";
  }
  if (!/^\d{1,6}$/.test(asking.minimumTrades.trim())) faults["minimum_trades"] = "A whole number.";
  if (!/^[1-9]\d{0,5}$/.test(asking.tried.trim())) faults["tried"] = "A whole number from 1 on.";
  if (asking.from && asking.to && asking.from >= asking.to) faults["to"] = "It ends before it begins.";
  const names = axesOf(asking).map(({ name }) => name.trim());
  for (const [place, { name, values }] of axesOf(asking).entries()) {
    const at = `grid.${name.trim()}`;
    if (name.trim() && !values.trim()) faults[at] = "Values to try: 2,2.5,3 or 2:3:0.25.";
    else if (!name.trim()) faults[at] = "The name of a setting.";
    else if (names.indexOf(name.trim()) < place) faults[at] = "This setting is named twice.";
  }
  return faults;
}

/** What is not there yet: told when one tries to start, not while one is still typing. */
export function missing(asking: Asking): Faults {
  const faults: Faults = {};
  if (asking.instruments.length === 0) faults["instruments"] = "Choose at least one.";
  if (asking.kind === "grid" && filled(asking.axes).length === 0) faults["grid."] = "Name a setting to try values of.";
  if (asking.kind === "walk_forward") {
    if (!asking.train.trim()) faults["walk_forward.train"] = "Days or weeks: 90d, 12w.";
    if (!asking.test.trim()) faults["walk_forward.test"] = "Days or weeks: 30d, 4w.";
  }
  return faults;
}

export function bodyOf(asking: Asking): Schema<"NewBacktest"> {
  const settings = Object.entries(asking.settings)
    .map(([name, typed]) => [name, typed.trim()] as const)
    .filter(([, typed]) => typed);
  const walk = asking.kind === "walk_forward";
  return {
    instruments: asking.instruments,
    from: asking.from || null,
    to: asking.to || null,
    source: asking.source || null,
    settings: Object.fromEntries(settings),
    entry: asking.entry,
    positions: asking.positions,
    balance: numberOf(asking.balance),
    risk: asking.risk.trim() ? numberOf(asking.risk) / 100 : null,
    grid: Object.fromEntries(axesOf(asking).map(({ name, values }) => [name.trim(), values.trim()])),
    walk_forward: walk
      ? { train: asking.train, test: asking.test, step: asking.step.trim() || null, anchored: asking.anchored }
      : null,
    by: asking.by,
    minimum_trades: Number(asking.minimumTrades),
    tried: Number(asking.tried),
    controls: asking.controls,
    limit: 2_000,
  };
}

/** The server's words by field: `settings.min_votes`; "" is of the whole. */
export function faultsOf(found: Schema<"Fault">[]): Faults {
  return Object.fromEntries(found.map(({ loc, msg, advice }) => [loc.join("."), advice ? `${msg}. ${advice}` : msg]));
}

type Plan = {
  instruments: string[];
  start: number;
  end: number;
  settings: Record<string, Value>;
  options: { entry: Asking["entry"]; positions: Asking["positions"]; balance: number; risk: number | null };
  sweep: Record<string, Value[]>;
  folds: { train: number; test: number; step: number | null; anchored: boolean } | null;
  by: Asking["by"];
  minimum_trades: number;
  tried: number;
};

const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10);
const days = (seconds: number | null) => (seconds === null ? "" : `${seconds / 86_400}d`);

/** The form filled with what another backtest was asked; hours of its period are cut off to whole days. */
export function askedLike({ asked }: Schema<"Backtest">): Asking {
  const { plan, source, controls } = asked as unknown as { plan: Plan; source: string; controls: boolean };
  const axes = Object.entries(plan.sweep).map(([name, tried]) => ({ name, values: tried.map(value).join(",") }));
  return {
    ...nothingAsked(),
    source,
    controls,
    instruments: plan.instruments,
    from: day(plan.start),
    to: day(plan.end),
    entry: plan.options.entry,
    positions: plan.options.positions,
    balance: value(plan.options.balance),
    risk: plan.options.risk === null ? "" : value(plan.options.risk * 100),
    settings: Object.fromEntries(Object.entries(plan.settings).map(([name, one]) => [name, value(one)])),
    kind: plan.folds ? "walk_forward" : axes.length ? "grid" : "single",
    axes: axes.length ? axes : nothingAsked().axes,
    by: plan.by,
    minimumTrades: String(plan.minimum_trades),
    tried: String(plan.tried),
    ...(plan.folds && {
      train: days(plan.folds.train),
      test: days(plan.folds.test),
      step: days(plan.folds.step),
      anchored: plan.folds.anchored,
    }),
  };
}
