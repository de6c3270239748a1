import { describe, expect, it } from "vitest";
import { distance } from "./distance";

const BUY = { direction: "BUY", entry: 1.31, stop_loss: 1.308, tp1: 1.314 };
const SELL = { direction: "SELL", entry: 1.31, stop_loss: 1.312, tp1: 1.306 };

function rounded(found: ReturnType<typeof distance>) {
  return found && [found.toTarget, found.toStop, found.r].map((value) => Math.round(value * 1e6) / 1e6);
}

describe("the distance of an open signal", () => {
  it("is counted from the bid for what was bought, from the ask for what was sold", () => {
    expect(rounded(distance(BUY, { bid: 1.311, ask: 1.3112 }))).toEqual([0.003, 0.003, 0.5]);
    expect(rounded(distance(SELL, { bid: 1.3088, ask: 1.309 }))).toEqual([0.003, 0.003, 0.5]);
  });

  it("is below zero where an end is passed", () => {
    expect(rounded(distance(BUY, { bid: 1.3075, ask: 1.3077 }))).toEqual([0.0065, -0.0005, -1.25]);
  });

  it("is not known without a risk", () => {
    expect(distance({ ...BUY, stop_loss: 1.31 }, { bid: 1.31, ask: 1.3102 })).toBeNull();
  });
});
