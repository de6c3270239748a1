/** What an instrument is called: on every page as on the desk. */

import { NONE } from "../format/numbers";
import { live } from "./live.svelte";

/** A watched instrument's symbol; of another the `symbol` that the server gives with it, else `GBP_USD` as GBP/USD. */
export function named(instrument: string | null | undefined, symbol?: string | null): string {
  return live.instrument(instrument)?.symbol ?? symbol ?? instrument?.replace("_", "/") ?? NONE;
}

export function allNamed(instruments: string[]): string {
  return instruments.map((one) => named(one)).join(", ");
}

/** What can be chosen in a filter: what is watched, and what is chosen already. */
export function watchedAnd(chosen: string): string[] {
  return [...new Set([...live.instruments.map((one) => one.instrument), chosen])].filter(Boolean);
}
