import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fieldOfMoment, momentOfField, zoneName } from "./local_time";

const zone = process.env["TZ"];
beforeAll(() => void (process.env["TZ"] = "America/New_York"));
afterAll(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

describe("a time that is typed", () => {
  it("means the reader's zone in summer and in winter, and is UTC on the wire", () => {
    expect(momentOfField("2026-01-15T08:00", "local")).toBe("2026-01-15T13:00:00Z");
    expect(momentOfField("2026-07-15T08:00", "local")).toBe("2026-07-15T12:00:00Z");
    expect(momentOfField("2026-07-15T08:00", "utc")).toBe("2026-07-15T08:00:00Z");
  });

  it("comes back as it was typed, at every hour of a year and to the second", () => {
    for (let at = Date.UTC(2026, 0, 1, 0, 0, 7); at < Date.UTC(2027, 0, 1); at += 3_600_000) {
      const field = fieldOfMoment(at / 1000, "local");
      const again = momentOfField(field, "local");
      // the hour that comes twice in autumn means its first time
      const isTwice = new Date(at).toISOString().startsWith("2026-11-01T06");
      expect(again).toBe(new Date(isTwice ? at - 3_600_000 : at).toISOString().replace(".000Z", "Z"));
    }
  });

  it("is none where it is left out in spring, or is no time", () => {
    expect(momentOfField("2026-03-08T02:30", "local")).toBeNull();
    expect(momentOfField("2026-03-08T02:30", "utc")).toBe("2026-03-08T02:30:00Z");
    for (const text of ["", "2026-02-30T08:00", "2026-13-01T08:00", "8:15", "<b>"]) {
      expect(momentOfField(text, "utc")).toBeNull();
    }
  });

  it("names its zone and where that stands at the time", () => {
    expect(zoneName("local", Date.UTC(2026, 6, 1))).toBe("America/New_York, UTC−04:00");
    expect(zoneName("utc")).toBe("UTC");
  });
});
