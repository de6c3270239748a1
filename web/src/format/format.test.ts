import { describe, expect, it } from "vitest";
import { age, bytes, duration, multiple, number, percent, pips, price } from "./numbers";
import { time, utc } from "./times";

describe("numbers", () => {
  it("that are not there are a dash, and never a zero", () => {
    for (const nothing of [null, undefined]) {
      expect([number(nothing), price(nothing, 5), pips(nothing, 0.01), percent(nothing), multiple(nothing)]).toEqual(
        Array(5).fill("–"),
      );
    }
    expect(number(NaN)).toBe("–");
  });

  it("have their instrument's digits", () => {
    expect(price(1.3497, 5)).toBe("1.34970");
    expect(price(2999.9, 3)).toBe("2999.900");
    expect(pips(0.13, 0.01)).toBe("13.0");
    expect(pips(-0.0021, 0.0001, true)).toBe("−21.0");
  });

  it("take the unit that fits", () => {
    expect([duration(0.0004), duration(0.25), duration(4.369), duration(90), duration(7_260)]).toEqual([
      "0.40 ms",
      "250 ms",
      "4.4 s",
      "1 min",
      "2 h 1 min",
    ]);
    expect([age(0.2), age(59.4), age(59.6), age(150)]).toEqual(["0 s", "59 s", "1 min", "2 min"]);
    expect([bytes(500), bytes(2048), bytes(120 * 1024 * 1024)]).toEqual(["500 B", "2.0 KiB", "120 MiB"]);
  });
});

describe("times", () => {
  it("in UTC are those of the server", () => {
    expect(time("2026-03-02T06:05:00Z", "utc")).toBe("02 Mar 2026, 06:05");
    expect(time(1772431500, "utc", "time")).toBe("06:05");
    expect(utc("2026-03-02T06:05:00.25Z")).toBe("2026-03-02 06:05:00 UTC");
    expect(time(null, "utc")).toBe("–");
  });
});
