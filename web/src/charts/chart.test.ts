import { describe, expect, it } from "vitest";
import { type Marked, spans } from "./marks";
import { placeOf, zoned } from "./scale";

const M5 = 300;
const BEGIN = Date.parse("2026-03-02T06:00:00Z") / 1000;
const starts = Array.from({ length: 12 }, (_, at) => BEGIN + at * M5);
const at = (minute: number) => new Date((BEGIN + minute * 60) * 1000).toISOString();

function signal(timestamp: string, changes: Partial<Marked> = {}): Marked {
  const levels = { direction: "BUY", entry: 1.31, stop_loss: 1.308, tp1: 1.314 };
  return { id: 1, ...levels, status: "PENDING", timestamp, exit_time: null, exit_price: null, ...changes };
}

describe("the time axis", () => {
  it("only rises, whatever clocks do", () => {
    expect(zoned(starts, "utc")).toEqual(starts);
    expect(zoned([BEGIN, BEGIN, BEGIN - 60], "utc")).toEqual([BEGIN, BEGIN + 1, BEGIN + 2]);
  });

  it("has each moment in the candle that had begun by then", () => {
    expect([BEGIN - 1, BEGIN, BEGIN + 299, BEGIN + 300, BEGIN + 1e6].map((one) => placeOf(one, starts))).toEqual([
      -1, 0, 0, 1, 11,
    ]);
    expect(placeOf(BEGIN, [])).toBe(-1);
  });
});

describe("signals on candles", () => {
  it("made at a close lie on the candle that closed, and reach to where they ended", () => {
    const won = signal(at(15), { status: "WON", exit_time: at(31), exit_price: 1.314 });
    expect(spans([won], starts)).toMatchObject([{ from: 2, to: 6, isOpen: false }]);
  });

  it("that are open reach beyond the newest candle, from wherever they began", () => {
    expect(spans([signal(at(15)), signal(at(-600))], starts)).toMatchObject([
      { from: 2, to: 17, isOpen: true },
      { from: -1, to: 17, isOpen: true },
    ]);
  });

  it("that were made before the first candle and have ended are left out", () => {
    expect(spans([signal(at(-20), { status: "LOST", exit_time: at(10), exit_price: 1.308 })], starts)).toEqual([]);
    expect(spans([signal(at(15))], [])).toEqual([]);
  });
});
