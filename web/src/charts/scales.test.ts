import { describe, expect, it } from "vitest";
import { around, summary, ticks, timeLabels, withoutZeros, xLabel } from "./scales";

const at = (text: string) => Date.parse(text) / 1000;

describe("a single place", () => {
  it("has room on both sides that fits its kind", () => {
    const noon = at("2025-07-08T12:00:00Z");
    expect(around(noon, "time")).toEqual([at("2025-07-08T11:30:00Z"), at("2025-07-08T12:30:00Z")]);
    expect(around(noon, "day")).toEqual([at("2025-07-06T12:00:00Z"), at("2025-07-10T12:00:00Z")]);
    expect(around(7, "number")).toEqual([6, 8]);
  });
});

describe("ticks", () => {
  it("are round, hold both ends, and zero where it lies between", () => {
    expect(ticks(-3.2, 7.9)).toEqual([-5, 0, 5, 10]);
    expect(ticks(0, 12)).toEqual([0, 5, 10, 15]);
    expect(ticks(-0.03, 0)).toEqual([-0.03, -0.02, -0.01, 0]);
  });

  it("are there for a single value, and for none", () => {
    for (const [low, high] of [
      [0, 0],
      [5, 5],
      [-5, -5],
    ] as const) {
      const found = ticks(low, high);
      expect(found.length).toBeGreaterThan(1);
      expect(found[0]).toBeLessThanOrEqual(low);
      expect(found.at(-1)).toBeGreaterThanOrEqual(high);
    }
  });

  it("are whole where half a thing cannot be counted", () => {
    expect(ticks(0, 1, 4, 1)).toEqual([0, 1]);
    expect(ticks(0, 10, 4, 1)).toEqual([0, 5, 10]);
  });

  it("carry no rounding errors into their labels", () => {
    expect(ticks(0, 0.3)).toEqual([0, 0.1, 0.2, 0.3]);
  });
});

it("labels of an axis lose the zeros that all of them end in", () => {
  expect(withoutZeros(["0.00", "−1,500.00", "+20.00 R"])).toEqual(["0", "−1,500", "+20 R"]);
  expect(withoutZeros(["0.00", "0.25"])).toEqual(["0.00", "0.25"]);
});

describe("labels of a time axis", () => {
  it("name the day below the first hour, and where it changes", () => {
    const hours = ["2026-03-02T18:00Z", "2026-03-03T00:00Z", "2026-03-03T06:00Z"].map(at);
    expect(timeLabels(hours, 6 * 3600, "utc")).toEqual(["18:00\n2 Mar", "00:00\n3 Mar", "06:00"]);
  });

  it("name the year below months", () => {
    const months = ["2025-12-01", "2026-01-01", "2026-02-01"].map(at);
    expect(timeLabels(months, 30 * 86_400, "utc")).toEqual(["Dec\n2025", "Jan\n2026", "Feb"]);
  });
});

it("a day keeps its date in every zone", () => {
  expect(xLabel(at("2026-03-02"), "day", "local")).toBe("02 Mar 2026");
});

describe("the summary of a line", () => {
  const told = (values: (number | null)[]) => summary([1, 2, 3, 4], values, String, (value) => value.toFixed(1));

  it("says first, last, lowest and highest, and where", () => {
    expect(told([1, -2, 5, 3])).toBe("first 1.0 (1), last 3.0 (4), lowest -2.0 (2), highest 5.0 (3)");
  });

  it("leaves out what is not known", () => {
    expect(told([null, 2, 4, null])).toBe("first 2.0 (2), last 4.0 (3), lowest 2.0 (2), highest 4.0 (3)");
    expect(told([null, null, null, null])).toBeNull();
  });
});
