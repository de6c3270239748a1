/** The newest entries, by which a form suggests sizes, setups and tags: what a trader did last he mostly does again. */

import { type Schema, answer, server } from "../api/client";
import { named } from "../live/named";
import { symbolOf, tagsOf } from "./entry_form";

export type Listed = Schema<"ListedEntry">;
const HOW_MANY = 50;
const SMALLEST = "0.01";

export async function recentEntries(): Promise<Listed[]> {
  const query = { limit: HOW_MANY, fields: "minimal" as const };
  return (await answer(server.GET("/api/journal/entries", { params: { query } }))).entries;
}

/** What was traded, as every page calls it; what is no instrument of ours as it was written. */
export const nameOf = (of: { instrument: string | null; symbol: string }) =>
  of.instrument === null ? of.symbol : named(of.instrument);

/** The size to begin with, and where it comes from. */
export function usualLots(recent: Listed[], symbol: string): { lots: string; why: string } {
  const same = recent.find((entry) => symbolOf(entry) === symbol);
  if (same) return { lots: `${same.lots}`, why: `As in your last entry of ${nameOf(same)}.` };
  if (recent[0]) return { lots: `${recent[0].lots}`, why: "As in your last entry." };
  return { lots: SMALLEST, why: "The smallest usual size: put in yours." };
}

/** Each once, in whatever case, newest first. */
function distinct(words: (string | null)[]): string[] {
  const found = new Map<string, string>();
  for (const word of words) if (word && !found.has(word.toLowerCase())) found.set(word.toLowerCase(), word);
  return [...found.values()];
}

export const setupsOf = (entries: Listed[]) => distinct(entries.map((entry) => entry.setup));
export const allTagsOf = (entries: Listed[]) => distinct(entries.flatMap((entry) => tagsOf(entry.tags)));
