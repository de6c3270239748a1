import { expect, it } from "vitest";
import { dayAfter, dayOf } from "./days";

it("a day is followed by the next, over months, years and the hour that summer takes", () => {
  expect(dayAfter("2026-02-28")).toBe("2026-03-01");
  expect(dayAfter("2025-12-31")).toBe("2026-01-01");
  expect(dayAfter("2026-03-29")).toBe("2026-03-30");
});

it("what is no day in an address is passed over", () => {
  expect(dayOf("2026-03-02")).toBe("2026-03-02");
  for (const text of [null, "", "yesterday", "2026-13-01", "2026-02-31", "2026-3-2", "1066-10-14", "99999-01-01"]) {
    expect(dayOf(text)).toBeNull();
  }
});
