import { expect, it } from "vitest";
import { choices, key, queryOf, whoseAre } from "./chosen";

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

it("days of the address are whole ones, the last included", () => {
  const asked = queryOf(new URLSearchParams("from=2026-03-01&to=2026-03-31&by=regime&source="), "utc");
  expect(queryOf(new URLSearchParams("from=never&simulated=perhaps"), "utc")).toEqual({});
  expect(asked).toEqual({ from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" });
});
