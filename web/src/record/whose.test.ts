import { expect, it } from "vitest";
import { choices, key, whoseAre } from "./whose";

const left = (reason: string, source: string | null = null, strategy: string | null = null) => ({
  reason,
  source,
  strategy,
  signals: 3,
  means: "",
});

it("what a record left out can be chosen where some question shows it", () => {
  expect(whoseAre(left("other_market", "oanda-live"))).toMatchObject({ source: "oanda-live", strategy: "" });
  expect(whoseAre(left("other_strategy", "sandbox", "old-v2"))).toMatchObject({ source: "", strategy: "old-v2" });
  expect(whoseAre(left("withdrawn", "sandbox", "v3"))).toBeNull();
});

it("each choice is there once, and so is the one of the address", () => {
  const now = { source: "elsewhere", strategy: "v1" };
  const keys = choices([left("made_by_hand"), left("other_market", "x"), left("other_market", "x", "y")], now).map(key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toContain(key(now));
  expect(keys).toHaveLength(5);
});
