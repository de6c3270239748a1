import { describe, expect, it } from "vitest";
import type { Schema } from "../api/client";
import { steps } from "./steps";
import { inUnit, promise, rows, verdict } from "./targets";

type Indicator = Schema<"Indicator">;
const claim = { statistic: "p99", at_most: 20, at_least: null, status: "met" } as const;

function indicator(name: string, status: Indicator["status"], given: Partial<Indicator> = {}): Indicator {
  const plain = { means: "", unit: "ms", statistic: "p99", value: null, target: [claim], plan: claim, count: 0 };
  return { name, status, ...plain, ...given } as Indicator;
}

describe("the verdict", () => {
  it("never passes over what is not known", () => {
    const three = [indicator("query_time", "missed"), indicator("b", "met"), indicator("c", "unproven")];
    expect(verdict(three).text).toBe("1 of 3 targets missed, 1 not yet known.");
    expect(verdict([indicator("a", "met"), indicator("b", "no_data")]).text).toBe(
      "1 of 2 targets met, none missed, 1 not yet known.",
    );
    expect(verdict([indicator("a", "met"), indicator("b", "met")]).text).toBe("All 2 targets are met.");
    expect(verdict([indicator("a", "no_data")])).toEqual({
      tone: "muted",
      text: "No target can be judged yet: too little has happened.",
    });
  });
});

describe("a target's rows", () => {
  it("are one for each claim, each with the statistic that it is about", () => {
    const mean = { statistic: "mean", at_most: 2, at_least: null, status: "missed" } as const;
    const found = rows([indicator("query_time", "missed", { target: [mean, claim], mean: 3, p99: 5 })]);
    expect(found.map((row) => [row.value, row.share, row.first])).toEqual([
      [3, 1.5, true],
      [5, 0.25, false],
    ]);
  });

  it("have no share of what was not measured", () => {
    expect(rows([indicator("a", "no_data")])[0]!.share).toBeNull();
    expect(inUnit(null, "ms")).toBe("–");
    expect(promise({ ...claim, at_most: null, at_least: 95 }, "percent")).toBe("at least 95.0 %");
  });
});

describe("the history", () => {
  it("has a hole where nothing was measured", () => {
    const point = (at: string, requests: number) => ({ at, requests }) as Schema<"Point">;
    const found = steps([point("2026-03-02T10:00:00Z", 1), point("2026-03-02T10:03:00Z", 2)], 60);
    expect(found.at.map((at) => at % 3600)).toEqual([0, 60, 180]);
    expect(found.column((one) => one.requests)).toEqual([1, null, 2]);
  });
});
