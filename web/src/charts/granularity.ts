/** How long candles are that charts show: those that decisions are made from. */
export const GRANULARITIES = ["M5", "M15", "H1"] as const;
export type Granularity = (typeof GRANULARITIES)[number];
