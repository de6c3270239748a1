import { describe, expect, it } from "vitest";
import type { Schema } from "../api/client";
import { VOTERS, demanded, figures, filterFigure } from "./explanation";

const GBP_USD = { display_precision: 5, pip: 0.0001 };

function verdict(changes: Partial<Schema<"FilterVerdict">>): Schema<"FilterVerdict"> {
  return { name: "trend", passed: true, measured: 30, threshold: 25, change: "", ...changes };
}

describe("an explanation", () => {
  it("measures each filter in its own unit, and what is not there is a dash", () => {
    expect(filterFigure("spread", 0.00012, GBP_USD)).toBe("1.2 pips");
    expect(filterFigure("agreement", 2 / 3, GBP_USD)).toBe("67 %");
    expect(filterFigure("cooldown", 3_600, GBP_USD)).toBe("1 h 0 min");
    expect(filterFigure("trend", null, GBP_USD)).toBe("–");
    expect(filterFigure("a filter to come", 1, undefined)).toBe("1.00");
  });

  it("says on which side of the threshold it must lie", () => {
    expect(demanded(verdict({}), GBP_USD)).toBe("at least 25.0");
    expect(demanded(verdict({ name: "exposure", threshold: 2 }), GBP_USD)).toBe("at most 2");
    const calm = verdict({ name: "volatility", passed: false, measured: 0.0001, threshold: 0.0002 });
    expect(demanded(calm, GBP_USD)).toBe("at least 0.020 %");
    expect(demanded({ ...calm, measured: 0.02, threshold: 0.01 }, GBP_USD)).toBe("at most 1.000 %");
    expect(demanded(verdict({ threshold: null }), GBP_USD)).toBe("–");
  });

  it("shows what a voter voted by with the instrument's digits", () => {
    const values = { ema_fast: 1.31021, ema_middle: 1.3101, ema_slow: null, stochastic_k: 77.123 };
    const votes = { values } as unknown as Schema<"TimeframeVotes">;
    expect(figures(votes, VOTERS[0]!, GBP_USD)).toEqual(["1.31021", "1.31010", "–"]);
    expect(figures(votes, VOTERS[4]!, GBP_USD)).toEqual(["77.1", "–"]);
  });
});
