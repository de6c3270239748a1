import { expect, it } from "vitest";
import { type Instrument, live } from "./live.svelte";
import { allNamed, named, watchedAnd } from "./named";

it("an instrument is called as the desk calls it, and one that is not watched as its row or its pair", () => {
  live.instruments = [{ instrument: "XAU_USD", symbol: "GOLD" } as Instrument];
  expect(named("XAU_USD", "XAUUSD")).toBe("GOLD");
  expect(named("EUR_USD")).toBe("EUR/USD");
  expect(named("DE30_EUR", "DAX")).toBe("DAX");
  expect(named(null, "as it was written")).toBe("as it was written");
  expect(named(null)).toBe("–");
  expect(allNamed(["XAU_USD", "EUR_USD"])).toBe("GOLD, EUR/USD");
});

it("what was chosen can be chosen still when it is watched no more", () => {
  live.instruments = [{ instrument: "XAU_USD", symbol: "GOLD" } as Instrument];
  expect(watchedAnd("")).toEqual(["XAU_USD"]);
  expect(watchedAnd("XAU_USD")).toEqual(["XAU_USD"]);
  expect(watchedAnd("EUR_USD")).toEqual(["XAU_USD", "EUR_USD"]);
});
