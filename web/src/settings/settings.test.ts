import { describe, expect, it } from "vitest";
import { matching } from "./matching";
import { kindWords, sourceWords } from "./words";

describe("words", () => {
  it("say whose money is at stake", () => {
    expect(sourceWords("oanda-live")).toContain("real money");
    expect(sourceWords("oanda-practice@127.0.0.1:8090")).toBe(
      "127.0.0.1:8090, which is not OANDA's own server, asked as for a practice account",
    );
    expect(sourceWords("sandbox-7")).toContain("invented");
    expect(sourceWords("import")).toBe("import");
  });

  it("leave no kind of alert out", () => {
    expect(kindWords([])).toBe("everything");
    expect(kindWords(["signal", "newer"])).toBe("new signals, newer");
  });
});

describe("an instrument", () => {
  const all = [
    { instrument: "AUD_USD", symbol: "AUDUSD" },
    { instrument: "USD_JPY", symbol: "USDJPY" },
    { instrument: "XAU_USD", symbol: "GOLD" },
  ];
  const names = (text: string) => matching(all, text).map((one) => one.symbol);

  it("is found by any part of its names, in any spelling", () => {
    expect(names("gold")).toEqual(["GOLD"]);
    expect(names("xau/usd")).toEqual(["GOLD"]);
    expect(names("usd")).toEqual(["USDJPY", "AUDUSD", "GOLD"]);
    expect(names("btc")).toEqual([]);
    expect(names(" / ")).toEqual([]);
  });
});
