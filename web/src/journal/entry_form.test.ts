import { describe, expect, it } from "vitest";
import { numberOf } from "../format/numbers";
import {
  type Entry,
  type EntryForm,
  bodyOf,
  caughtUp,
  changesOf,
  distanceOf,
  emptyForm,
  formOfEntry,
  formOfSignal,
  problemsOf,
  tagsOf,
} from "./entry_form";

const ENTRY = {
  id: 7,
  symbol: "GOLD",
  instrument: "XAU_USD",
  type: "SELL",
  lots: 0.25,
  entry: 2650.5,
  exit: 2641,
  sl: 2655,
  tp: null,
  pl: -12.5,
  open_time: "2026-03-02T08:15:31Z",
  close_time: "2026-03-02T11:40:00Z",
  setup: null,
  session: "LONDON",
  tags: "late, News,,news",
  notes: "two\nlines",
  signal_id: 3,
} as unknown as Entry;

const typed = (changes: Partial<EntryForm>): EntryForm => ({
  ...emptyForm("utc", "key"),
  symbol: "GBPUSD",
  type: "BUY",
  lots: "0.1",
  entry: "1.31",
  openTime: "2026-03-02T08:15",
  ...changes,
});

describe("an entry that is typed", () => {
  it("needs what every entry has, and nothing else", () => {
    expect(Object.keys(problemsOf(emptyForm("utc", ""))).sort()).toEqual([
      "entry",
      "lots",
      "openTime",
      "symbol",
      "type",
    ]);
    expect(problemsOf(typed({}))).toEqual({});
  });

  it.each([
    ["lots", { lots: "-1" }],
    ["lots", { lots: "0" }],
    ["entry", { entry: "1,310" }],
    ["entry", { entry: "1.31x" }],
    ["sl", { sl: "1.32" }],
    ["sl", { sl: "1.31" }],
    ["sl", { type: "SELL", sl: "1.30" }],
    ["tp", { tp: "1.30" }],
    ["closeTime", { closeTime: "2026-03-02T08:14" }],
    ["closeTime", { exit: "1.32" }],
    ["mae", { mae: "-3" }],
    ["symbol", { symbol: "<script>" }],
    ["openTime", { openTime: "1969-01-01T00:00" }],
    ["tags", { tags: ["x".repeat(501)] }],
  ] as [string, Partial<EntryForm>][])("has a problem at %s with %o, and nowhere else", (field, changes) => {
    expect(Object.keys(problemsOf(typed(changes)))).toEqual([field]);
  });

  it("is sent as the interface has it, with what is left open as null", () => {
    const body = bodyOf(
      typed({ closeTime: "2026-03-02T09:00", exit: " 1.3125 ", pl: "−12.5", tags: ["late", "news"] }),
    );
    expect(body).toMatchObject({ entry: 1.31, exit: 1.3125, pl: -12.5, sl: null, tags: "late,news", notes: null });
    expect([body.openTime, body.closeTime]).toEqual(["2026-03-02T08:15:00Z", "2026-03-02T09:00:00Z"]);
  });

  it("tells how far a price is in the trade's favour", () => {
    expect(distanceOf(typed({ sl: "1.3075" }), "sl")).toBeCloseTo(-0.0025);
    expect(distanceOf(typed({ type: "SELL", exit: "1.3075" }), "exit")).toBeCloseTo(0.0025);
    expect(distanceOf(typed({}), "tp")).toBeNull();
  });
});

describe("an entry that is changed", () => {
  it("sends what was changed alone, and keeps the seconds of the rest", () => {
    const before = formOfEntry(ENTRY, "utc");
    expect(before.symbol).toBe("XAUUSD");
    expect(changesOf(before, before)).toEqual({});
    expect(changesOf({ ...before, exit: "2640", session: "" }, before)).toEqual({ exit: 2640, session: null });
    expect(bodyOf(before).openTime).toBe("2026-03-02T08:15:31Z");
  });

  it("need not mend what was odd before in order to have a note", () => {
    const before = formOfEntry({ ...ENTRY, sl: 2600, close_time: null }, "utc");
    expect(problemsOf({ ...before, notes: "x" }, before)).toEqual({});
    expect(Object.keys(problemsOf({ ...before, sl: "2601", exit: "2640" }, before)).sort()).toEqual([
      "closeTime",
      "sl",
    ]);
  });
});

it("what was typed on an entry takes nothing back that was changed elsewhere meanwhile", () => {
  const began = formOfEntry(ENTRY, "utc");
  const typed = { ...began, notes: "typed here", tags: ["mine"], began };
  const changed = { ...ENTRY, exit: 2640, setup: "written elsewhere" };
  const now = caughtUp(typed, changed);
  expect(now).toMatchObject({ notes: "typed here", tags: ["mine"], exit: "2640", setup: "written elsewhere" });
  expect(changesOf(now, formOfEntry(changed, "utc"))).toEqual({ notes: "typed here", tags: "mine" });
});

describe("an entry from a signal", () => {
  const SIGNAL = {
    id: 12,
    symbol: "GOLD",
    instrument: "XAU_USD",
    direction: "SELL",
    timestamp: "2026-03-02T08:00:00Z",
    entry: 2650,
    stop_loss: 2655,
    tp1: 2640,
    session: "London",
  };

  it("has the signal's levels, and its own fill and exit where it was filled and settled", () => {
    const open = formOfSignal(SIGNAL as never, "utc", "k");
    expect(open).toMatchObject({
      symbol: "XAUUSD",
      type: "SELL",
      entry: "2650",
      exit: "",
      closeTime: "",
      signal_id: 12,
    });
    expect(open).toMatchObject({ openTime: "2026-03-02T08:00", sl: "2655", tp: "2640", session: "LONDON", lots: null });
    const filled = {
      entry_price: 2649.5,
      entry_time: "2026-03-02T08:05:00Z",
      exit_price: 2640,
      exit_time: "2026-03-02T09:00:00Z",
    };
    const settled = formOfSignal({ ...SIGNAL, ...filled } as never, "utc", "k");
    expect(settled).toMatchObject({
      entry: "2649.5",
      openTime: "2026-03-02T08:05",
      exit: "2640",
      closeTime: "2026-03-02T09:00",
    });
    expect(problemsOf({ ...settled, lots: "0.1" })).toEqual({});
  });
});

describe("what is typed", () => {
  it("is a number only where nothing else could be meant", () => {
    expect([" 1.5 ", "-2", "−2", ".5", "7."].map(numberOf)).toEqual([1.5, -2, -2, 0.5, 7]);
    for (const text of ["", "1e5", "0x10", "1,5", "NaN", "Infinity", "--1", "1.2.3"]) expect(numberOf(text)).toBeNaN();
  });

  it("is a tag once, in whatever case", () => {
    expect(tagsOf("late, News,,news ,<b>x</b>")).toEqual(["late", "News", "<b>x</b>"]);
    expect(tagsOf(null)).toEqual([]);
  });
});
