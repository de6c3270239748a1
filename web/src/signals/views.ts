/** Saved views: filters by a name of the reader's, kept on the device. */

import { type Filters, filtersOf, textOf } from "./filters";

/** `query`: the filters as the address has them. */
export type View = { name: string; query: string };

export const LONGEST_NAME = 40;
const PLACE = "alphaforge.signal-views";

/** What was kept; whatever is not a view is passed over. */
export function viewsOf(text: string | null): View[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(found)) return [];
    const views = found.filter((one) => typeof one?.name === "string" && typeof one?.query === "string");
    return views.map(({ name, query }) => ({ name, query: textOf(filtersOf(new URLSearchParams(query))) }));
  } catch {
    return []; // not ours, or cut off
  }
}

export function keptViews(): View[] {
  return viewsOf(localStorage.getItem(PLACE));
}

export function keepViews(views: readonly View[]): void {
  localStorage.setItem(PLACE, JSON.stringify(views));
}

/** What is wrong with a name; `own`: the name that is to be changed. */
export function faultOfName(views: readonly View[], name: string, own = ""): string {
  const trimmed = name.trim();
  if (!trimmed) return "Give it a name.";
  if (trimmed.length > LONGEST_NAME) return `At most ${LONGEST_NAME} characters.`;
  const isTaken = views.some((view) => view.name === trimmed && view.name !== own);
  return isTaken ? "There is a view of this name." : "";
}

export function saved(views: readonly View[], name: string, filters: Filters): View[] {
  return [...views, { name: name.trim(), query: textOf(filters) }];
}

export function renamed(views: readonly View[], from: string, to: string): View[] {
  return views.map((view) => (view.name === from ? { ...view, name: to.trim() } : view));
}

export function without(views: readonly View[], name: string): View[] {
  return views.filter((view) => view.name !== name);
}
