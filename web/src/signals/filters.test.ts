import { describe, expect, it } from "vitest";
import { NONE, asked, exportPath, faults, filtersOf, isRestricted, textOf, toggled } from "./filters";
import { faultOfName, renamed, saved, viewsOf, without } from "./views";

const SOME = {
  ...NONE,
  status: "WON,LOST",
  instrument: "XAU_USD",
  from: "2026-03-01",
  to: "2026-03-02",
  confidence: "70",
};

describe("filters", () => {
  it("are the same after they were in the address, which has other things as well", () => {
    const query = new URLSearchParams(`${textOf(SOME)}&id=5&order=oldest`);
    expect(filtersOf(query)).toEqual(SOME);
    expect(isRestricted(filtersOf(new URLSearchParams("id=5&order=oldest")))).toBe(false);
  });

  it("ask for whole days, the last one included", () => {
    expect(asked(SOME, "utc")).toEqual({
      status: "WON,LOST",
      symbol: "XAU_USD",
      from: "2026-03-01T00:00:00Z",
      to: "2026-03-03T00:00:00Z",
      min_confidence: 70,
    });
    expect(asked(NONE, "utc")).toEqual({});
  });

  it("restrict the file as they do the list", () => {
    const query = new URLSearchParams(exportPath(SOME, "utc", "csv").split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      format: "csv",
      ...Object.fromEntries(Object.entries(asked(SOME, "utc")).map(([name, value]) => [name, String(value)])),
    });
  });

  it("take a status in and out again", () => {
    expect(toggled(toggled("", "WON"), "PENDING")).toBe("PENDING,WON");
    expect(toggled("PENDING,WON", "PENDING")).toBe("WON");
  });

  it("say what is wrong before anybody is asked", () => {
    expect(faults(SOME)).toEqual({});
    expect(faults({ ...NONE, confidence: "101" })).toHaveProperty("confidence");
    expect(faults({ ...NONE, confidence: "x" })).toHaveProperty("confidence");
    expect(faults({ ...NONE, from: "2026-02-31" })).toHaveProperty("from");
    expect(faults({ ...NONE, from: "2026-03-02", to: "2026-03-01" })).toHaveProperty("to");
    expect(faults({ ...NONE, from: "2026-03-01", to: "2026-03-01" })).toEqual({});
  });
});

describe("views", () => {
  it("are saved, renamed, removed and read again", () => {
    const views = saved([{ name: "a", query: "status=WON" }], " b ", SOME);
    expect(views.map((view) => view.name)).toEqual(["a", "b"]);
    expect(viewsOf(JSON.stringify(views))).toEqual(views);
    expect(renamed(views, "a", "c").map((view) => view.name)).toEqual(["c", "b"]);
    expect(without(views, "a").map((view) => view.name)).toEqual(["b"]);
  });

  it("have a name of their own", () => {
    const views = [{ name: "a", query: "" }];
    expect([faultOfName(views, "a"), faultOfName(views, " "), faultOfName(views, "x".repeat(41))]).not.toContain("");
    expect([faultOfName(views, "b"), faultOfName(views, "a", "a")]).toEqual(["", ""]);
  });

  it("are none where what is kept is nothing of ours", () => {
    for (const text of [null, "", "{", "7", '{"name": 1}', '[null, {"name": 1, "query": ""}]'])
      expect(viewsOf(text)).toEqual([]);
  });
});
