/** How far an open signal is from its ends, by the price at which it could be closed now. */

import type { Schema } from "../api/client";
import type { Price } from "../live/live.svelte";

type Levels = Pick<Schema<"Signal">, "direction" | "entry" | "stop_loss" | "tp1">;

/** In prices: what is still to go, below zero where it is passed. `r`: gain in multiples of the risk. */
type Distance = { toTarget: number; toStop: number; r: number };

export function distance(signal: Levels, price: Pick<Price, "bid" | "ask">): Distance | null {
  const sign = signal.direction === "BUY" ? 1 : -1;
  const risk = (signal.entry - signal.stop_loss) * sign;
  if (risk <= 0) return null;
  const exit = sign > 0 ? price.bid : price.ask; // what was bought is sold at the bid
  return {
    toTarget: (signal.tp1 - exit) * sign,
    toStop: (exit - signal.stop_loss) * sign,
    r: ((exit - signal.entry) * sign) / risk,
  };
}
