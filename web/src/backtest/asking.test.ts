import { describe, expect, it } from "vitest";
import { type Asking, askedLike, bodyOf, faultsOf, missing, nothingAsked, unreadable } from "./asking";
import { chance, value } from "./words";

const asked = (more: Partial<Asking>): Asking => ({ ...nothingAsked(), instruments: ["GBP_USD"], ...more });

describe("a form of a backtest", () => {
  it("asks in the server's units and leaves out what was not changed", () => {
    const body = bodyOf(asked({ risk: "1.5", settings: { stop_atr: " 2/3 ", target_atr: "" }, from: "2025-01-08" }));
    expect(body.risk).toBeCloseTo(0.015);
    expect(body.settings).toEqual({ stop_atr: "2/3" });
    expect([body.from, body.to, body.source, body.walk_forward]).toEqual(["2025-01-08", null, null, null]);
  });

  it("varies settings in a grid and in a walk-forward alone", () => {
    const axes = [
      { name: "min_votes ", values: "2:3:0.5" },
      { name: "", values: "" },
    ];
    expect(bodyOf(asked({ axes })).grid).toEqual({});
    expect(bodyOf(asked({ axes, kind: "grid" })).grid).toEqual({ min_votes: "2:3:0.5" });
    expect(bodyOf(asked({ axes, kind: "walk_forward" })).walk_forward).toMatchObject({ train: "90d", step: null });
  });

  it("says at the field what cannot be read", () => {
    const faults = unreadable(
      asked({ balance: "much", risk: "100", tried: "0", from: "2025-02-01", to: "2025-02-01" }),
    );
    expect(Object.keys(faults).sort()).toEqual(["balance", "risk", "to", "tried"]);
    const twice = [
      { name: "stop", values: "1,2" },
      { name: "stop", values: "3" },
    ];
    expect(unreadable(asked({ kind: "grid", axes: twice }))).toHaveProperty(["grid.stop"]);
  });

  it("asks for what is missing when one tries to start", () => {
    expect(unreadable(nothingAsked())).toEqual({});
    expect(Object.keys(missing({ ...nothingAsked(), kind: "grid" }))).toEqual(["instruments", "grid."]);
  });

  it("is filled again with what another backtest was asked", () => {
    const form = asked({
      source: "import",
      from: "2025-01-08",
      to: "2025-03-01",
      risk: "1.5",
      settings: { multipliers: "1+0.5", stop_atr: "2" },
      kind: "walk_forward",
      axes: [{ name: "minimum_votes", values: "2,2.5" }],
      train: "60d",
      test: "30d",
    });
    const plan = {
      instruments: ["GBP_USD"],
      start: Date.parse("2025-01-08") / 1000,
      end: Date.parse("2025-03-01") / 1000,
      settings: { multipliers: [1, 0.5], stop_atr: 2 },
      options: { entry: "signal", positions: "many", balance: 10_000, risk: 0.015 },
      sweep: { minimum_votes: [2, 2.5] },
      folds: { train: 60 * 86_400, test: 30 * 86_400, step: null, anchored: false },
      by: "expectancy_r",
      minimum_trades: 30,
      tried: 1,
    };
    const backtest = { asked: { plan, source: "import", controls: true } };
    expect(askedLike(backtest as unknown as Parameters<typeof askedLike>[0])).toEqual(form);
  });
});

it("puts the server's words where its field is", () => {
  const found = [{ loc: ["settings", "stop"], msg: "no number", advice: "Write 2.5." }];
  expect(faultsOf([...found, { loc: [], msg: "no", advice: "" }])).toEqual({
    "settings.stop": "no number. Write 2.5.",
    "": "no",
  });
});

it("never tells a probability as certain, nor a rounding fault as a value", () => {
  expect([chance(0.0002), chance(0.9999), chance(0.185), chance(null)]).toEqual([
    "less than 0.1 %",
    "more than 99.9 %",
    "18.5 %",
    "–",
  ]);
  expect([value(0.1 + 0.2), value([]), value(null)]).toEqual(["0.3", "none", "–"]);
});
