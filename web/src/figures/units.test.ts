import { expect, it } from "vitest";
import { groupName } from "./names";
import { inUnit, isMoney } from "./units";

it("each unit of the definitions is written as traders read it", () => {
  expect(inUnit(-1234.5, "money", "account")).toBe("−1,234.50");
  expect(inUnit(1.25, "money", "R")).toBe("+1.25 R");
  expect(inUnit(0.4567, "fraction", "account")).toBe("45.7 %");
  expect(inUnit(12.34, "pips", "account")).toBe("12.3");
  expect(inUnit(5400, "seconds", "account")).toBe("1 h 30 min");
  expect(inUnit(1, "calendar days", "account")).toBe("1 day");
  expect(inUnit("2026-03-02", "date", "account")).toBe("02 Mar 2026");
  expect(inUnit(true, "flag", "account")).toBe("yes");
});

it("only the account's money is covered, never R", () => {
  expect(isMoney("money", "account")).toBe(true);
  expect(isMoney("money", "R")).toBe(false);
  expect(isMoney("ratio", "account")).toBe(false);
});

it("groups are named for people, and what a trader wrote stays", () => {
  expect(groupName("session", "NEW_YORK")).toBe("New York");
  expect(groupName("regime", "ranging_low_volatility")).toBe("Ranging low volatility");
  expect(groupName("tag", "fomo_IN_LONDON")).toBe("fomo_IN_LONDON");
  expect(groupName("setup", null)).toBe("None");
});
