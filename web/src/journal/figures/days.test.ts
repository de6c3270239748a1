import { describe, expect, it } from "vitest";
import { STEPS, stepped, strength, weeksOf } from "./days";

describe("the weeks of a calendar", () => {
  it("begin on Monday, and have each day of the month once", () => {
    const weeks = weeksOf(2026, 3); // begins on a Sunday
    expect(weeks[0]).toEqual([null, null, null, null, null, null, "2026-03-01"]);
    expect(weeks.at(-1)).toEqual(["2026-03-30", "2026-03-31", null, null, null, null, null]);
    expect(weeks.flat().filter(Boolean)).toHaveLength(31);
  });

  it("have each day of a year once, leap years too", () => {
    for (const [year, days] of [
      [2024, 366],
      [2026, 365],
      [2028, 366],
    ] as const) {
      expect(new Set(weeksOf(year, null).flat().filter(Boolean)).size).toBe(days);
    }
  });
});

describe("the colour scale", () => {
  it("is symmetric around zero", () => {
    for (const value of [0.01, 10, 49, 50, 99, 100]) expect(strength(value, 100)).toBe(-strength(-value, 100));
  });

  it("has its ends at the largest gain or loss, and zero by itself", () => {
    expect(strength(100, 100)).toBe(STEPS);
    expect(strength(-100, 100)).toBe(-STEPS);
    expect(strength(0.001, 100)).toBe(1);
    expect(strength(0, 100)).toBe(0);
    expect(strength(0, 0)).toBe(0);
  });
});

it("months go on over the year's end, and years by themselves", () => {
  expect(stepped(2026, 1, -1)).toEqual({ year: 2025, month: 12 });
  expect(stepped(2025, 12, 1)).toEqual({ year: 2026, month: 1 });
  expect(stepped(2025, null, 1)).toEqual({ year: 2026, month: null });
});
