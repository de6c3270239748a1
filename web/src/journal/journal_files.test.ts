import { describe, expect, it } from "vitest";
import { fileProblem, outcomeOf } from "./journal_import";
import { setupsOf, usualLots } from "./recent_entries";
import { isPicture, refusalOf } from "./screenshot";

describe("a file for the journal", () => {
  it("is refused before it is sent where the server could not take it", () => {
    expect(fileProblem({ name: "journal.CSV", size: 1 })).toBe("");
    expect(fileProblem({ name: "journal.xlsx", size: 1 })).toMatch("Choose a file");
    expect(fileProblem({ name: "journal.csv", size: 0 })).toMatch("empty");
    expect(fileProblem({ name: "journal.ndjson", size: 11 * 1024 * 1024 })).toMatch("split it");
  });

  it("names its wrong rows as people count them", () => {
    const result = {
      created: 0,
      errors: [
        { row: 0, loc: ["lots"], msg: "too small" },
        { row: 4, loc: [], msg: "no JSON" },
      ],
    };
    expect(outcomeOf({ status: "failed", error: "2 of 9 rows", result })).toEqual({
      created: 0,
      error: "2 of 9 rows",
      faults: ["Row 1, lots: too small", "Row 5: no JSON"],
    });
    expect(outcomeOf({ status: "done", error: null, result: { created: 3 } })).toEqual({
      created: 3,
      error: null,
      faults: [],
    });
    expect(outcomeOf({ status: "cancelled", error: null, result: null }).error).toBe("The import was cancelled.");
  });
});

describe("a screenshot", () => {
  it("is shown only where it is a picture and nothing else", () => {
    expect(isPicture("data:image/png;base64,iVBORw0KGgo=")).toBe(true);
    for (const text of [
      "https://tracker.example/x.png",
      "data:text/html;base64,AAAA",
      "data:image/svg+xml;base64,AAAA",
    ]) {
      expect(isPicture(text)).toBe(false);
    }
  });

  it("is refused by what it is and by its size", () => {
    expect(refusalOf({ type: "image/png", size: 9_000_000 })).toBe("");
    expect(refusalOf({ type: "application/pdf", size: 9 })).toMatch("no picture");
    expect(refusalOf({ type: "image/png", size: 99_000_000 })).toMatch("at most 50.0 MiB");
  });
});

describe("what was written last", () => {
  const recent = [
    { symbol: "GOLD", instrument: "XAU_USD", lots: 0.1, setup: "Pullback" },
    { symbol: "GBPUSD", instrument: "GBP_USD", lots: 0.5, setup: "pullback" },
    { symbol: "GBPUSD", instrument: "GBP_USD", lots: 1, setup: null },
  ] as never[];

  it("suggests the size, by the instrument where it was traded before", () => {
    expect(usualLots(recent, "GBPUSD").lots).toBe("0.5");
    expect(usualLots(recent, "XAUUSD").lots).toBe("0.1");
    expect(usualLots(recent, "USDJPY").lots).toBe("0.1");
    expect(usualLots([], "USDJPY").lots).toBe("0.01");
  });

  it("suggests a setup once", () => {
    expect(setupsOf(recent)).toEqual(["Pullback"]);
  });
});
