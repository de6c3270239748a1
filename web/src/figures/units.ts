/** Figures by the unit that their definition names. */

import { duration, multiple, number, percent } from "../format/numbers";
import { time } from "../format/times";

/** What `money` of the definitions is: the account's currency, or R where amounts are multiples of the risk. */
export type Currency = "account" | "R";

/** Whether a figure of this unit is to be covered where money is hidden. */
export function isMoney(unit: string, currency: Currency): boolean {
  return unit === "money" && currency === "account";
}

/** A known value of this unit in words. */
export function inUnit(value: number | string | boolean, unit: string, currency: Currency): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return unit === "date" ? time(value, "utc", "day") : value; // a day has no zone
  switch (unit) {
    case "money":
      return currency === "R" ? multiple(value) : number(value, 2);
    case "R":
      return multiple(value);
    case "fraction":
      return percent(value);
    case "pips":
      return number(value, 1);
    case "seconds":
      return duration(value);
    case "ratio":
      return number(value, 2);
    case "calendar days":
      return `${number(value)} ${value === 1 ? "day" : "days"}`;
    default:
      return number(value);
  }
}
