/** What a day is judged by; `brief` where there is little room. */

import { multiple, number } from "../../format/numbers";

export const MEASURES = {
  net: {
    label: "Money",
    format: (value: number) => number(value, 2, true),
    brief: (value: number) => number(value, Math.abs(value) < 100 ? 2 : 0, true),
  },
  r: { label: "R", format: multiple, brief: (value: number) => number(value, 2, true) },
  pips: {
    label: "Pips",
    format: (value: number) => `${number(value, 1, true)} pips`,
    brief: (value: number) => number(value, 1, true),
  },
} as const;
export type Measure = keyof typeof MEASURES;
