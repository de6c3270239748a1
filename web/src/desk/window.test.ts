import { describe, expect, it } from "vitest";
import { KEPT, type Window, advanced } from "./window";

function window(from: number, count: number, level = 1): Window {
  const places = Array.from({ length: count }, (_, at) => from + at);
  return {
    instrument: "GBP_USD",
    granularity: "M5",
    source: "sandbox",
    candles: places.map((at) => ({
      ...{ time: new Date(at * 300_000).toISOString(), open: level, high: level, low: level, close: level, volume: at },
    })),
    indicators: { ema_fast: { label: "EMA 5", marks: [], values: places.map((at) => (at < 4 ? null : at * level)) } },
  };
}

const volumes = (of: Window | null) => of?.candles.map((one) => one.volume);

describe("the chart's candles", () => {
  it("go on with those that closed, each with its own indicator", () => {
    const next = advanced(window(0, 10), window(8, 3));
    expect(volumes(next)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(next?.indicators?.["ema_fast"]?.values).toEqual([null, null, null, null, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("take over what came back revised", () => {
    const next = advanced(window(0, 10), window(8, 3, 2));
    expect(next?.candles.map((one) => one.close)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
    expect(next?.indicators?.["ema_fast"]?.values.slice(-3)).toEqual([16, 18, 20]);
  });

  it("stay as many as they are, however long the page is open", () => {
    let held: Window = window(0, KEPT);
    for (let at = 1; at <= 2_000; at++) held = advanced(held, window(KEPT + at - 3, 3))!;
    expect(held.candles.length).toBe(KEPT);
    expect(held.indicators?.["ema_fast"]?.values.length).toBe(KEPT);
    expect(held.candles.at(-1)?.volume).toBe(KEPT + 1_999);
  });

  it("are loaded anew where something between was missed, or something else is shown by now", () => {
    expect(advanced(window(0, 10), window(11, 3))).toBeNull();
    for (const other of [{ indicators: {} }, { instrument: "XAU_USD" }, { granularity: "M15" }]) {
      expect(advanced({ ...window(0, 10), ...other }, window(8, 3))).toBeNull();
    }
  });
});
