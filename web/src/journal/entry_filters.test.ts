import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { queryOf } from "./entry_filters";

const zone = process.env["TZ"];
beforeAll(() => void (process.env["TZ"] = "America/New_York"));
afterAll(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

describe("the filters of an address", () => {
  it("are the reader's days, the last one included", () => {
    const query = queryOf(new URLSearchParams("from=2026-03-07&to=2026-03-08"), "local");
    expect(query).toEqual({ from: "2026-03-07T05:00:00Z", to: "2026-03-09T04:00:00Z" });
  });

  it("are passed over where nobody could have chosen them", () => {
    const address = "outcome=MAYBE&session=<b>&type=HOLD&from=yesterday&signal_id=-1&cursor=x&limit=9&tag=a%00b";
    expect(queryOf(new URLSearchParams(address), "utc")).toEqual({ tag: "ab" });
    expect(queryOf(new URLSearchParams("outcome=WIN&type=BUY&signal_id=12&setup= Pullback "), "utc")).toEqual({
      outcome: "WIN",
      type: "BUY",
      signal_id: 12,
      setup: "Pullback",
    });
  });
});
