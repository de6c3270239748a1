/** A journal entry as it is typed, what is wrong with it, and what of it is sent. Figures are left to the server. */

import type { Schema } from "../api/client";
import { fieldOfMoment, momentOfField } from "../format/local_time";
import { numberOf } from "../format/numbers";
import type { Zone } from "../format/times";

export type Entry = Schema<"Entry">;
export type Signal = Schema<"Signal"> | Schema<"ListedSignal">;
export const SESSIONS = ["ASIAN", "LONDON", "OVERLAP", "NEW_YORK"] as const;
const PRICES = ["entry", "sl", "tp", "exit"] as const;
const AMOUNTS = ["pl", "mae", "mfe"] as const;
const TIMES = ["openTime", "closeTime"] as const;

/** Texts by the interface's names; "" is left open. Times are in `zone`, whatever the reader prefers meanwhile. */
export type EntryForm = {
  zone: Zone;
  /** Known to the server as the same entry, however often it is sent. */
  key: string;
  signal_id: number | null;
  symbol: string;
  type: "BUY" | "SELL" | "";
  /** null: untouched, the size of the last entry stands in its place. */
  lots: string | null;
  openTime: string;
  closeTime: string;
  entry: string;
  exit: string;
  sl: string;
  tp: string;
  pl: string;
  mae: string;
  mfe: string;
  setup: string;
  session: string;
  tags: string[];
  notes: string;
  /** Of an entry that is changed: the form as it was when one began to type. */
  began?: EntryForm;
};

export type Wrong = Partial<Record<string, string>>;

export function emptyForm(zone: Zone, key: string): EntryForm {
  const open = { symbol: "", type: "" as const, lots: null, openTime: "", closeTime: "", entry: "", exit: "" };
  const more = { sl: "", tp: "", pl: "", mae: "", mfe: "", setup: "", session: "" };
  return { zone, key, signal_id: null, ...open, ...more, tags: [], notes: "" };
}

const text = (value: number | string | null | undefined) => (value === null || value === undefined ? "" : `${value}`);

/** The journal's spelling, by which it is written and compared: `XAUUSD` of what is shown as gold. */
export const symbolOf = (of: { instrument?: string | null; symbol: string }) =>
  of.instrument?.replace("_", "") ?? of.symbol;

/** A signal as it was traded: its own entry and exit where it was filled and settled. */
export function formOfSignal(signal: Signal, zone: Zone, key: string): EntryForm {
  const session = text(signal.session).toUpperCase().replaceAll(" ", "_");
  return {
    ...emptyForm(zone, key),
    signal_id: signal.id,
    symbol: symbolOf(signal),
    type: signal.direction === "SELL" ? "SELL" : "BUY",
    openTime: fieldOfMoment(signal.entry_time ?? signal.timestamp, zone),
    closeTime: signal.exit_price ? fieldOfMoment(signal.exit_time, zone) : "",
    entry: text(signal.entry_price ?? signal.entry),
    exit: signal.exit_time ? text(signal.exit_price) : "",
    sl: text(signal.stop_loss),
    tp: text(signal.tp1),
    session: SESSIONS.find((one) => one === session) ?? "",
  };
}

export function formOfEntry(entry: Entry, zone: Zone): EntryForm {
  return {
    zone,
    key: "",
    signal_id: entry.signal_id,
    symbol: symbolOf(entry),
    type: entry.type === "SELL" ? "SELL" : "BUY",
    lots: text(entry.lots),
    openTime: fieldOfMoment(entry.open_time, zone),
    closeTime: fieldOfMoment(entry.close_time, zone),
    entry: text(entry.entry),
    exit: text(entry.exit),
    sl: text(entry.sl),
    tp: text(entry.tp),
    pl: text(entry.pl),
    mae: text(entry.mae),
    mfe: text(entry.mfe),
    setup: text(entry.setup),
    session: text(entry.session),
    tags: tagsOf(entry.tags),
    notes: text(entry.notes),
  };
}

/**
 * What was typed on an entry before, on top of what is stored by now: what nobody typed in follows the entry, which
 * another tab may have changed meanwhile.
 */
export function caughtUp(typed: EntryForm, entry: Entry): EntryForm {
  const now = formOfEntry(entry, typed.zone);
  const { began, ...fields } = typed;
  if (began === undefined) return typed;
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  const own = Object.entries(fields).filter(([name, value]) => !same(value, began[name as keyof typeof fields]));
  return { ...now, ...Object.fromEntries(own), began: now };
}

/** The server keeps tags as one text. */
export function tagsOf(tags: string | null | undefined): string[] {
  const all = (tags ?? "").split(",").map((tag) => tag.trim());
  return all.filter((tag, at) => tag !== "" && all.findIndex((one) => one.toLowerCase() === tag.toLowerCase()) === at);
}

/**
 * What is wrong, by field, in words. `before`: the form as it was stored, whose own oddities nobody has to mend in
 * order to change a note.
 */
export function problemsOf(form: EntryForm, before?: EntryForm): Wrong {
  const wrong: Wrong = { ...numberProblems(form), ...timeProblems(form, before) };
  if (!/^[A-Z0-9][A-Z0-9 ._/&-]{0,19}$/i.test(form.symbol.trim())) {
    wrong["symbol"] = form.symbol.trim() ? "Up to 20 letters, digits and . _ / & -" : "Choose what was traded.";
  }
  if (form.type === "") wrong["type"] = "Bought or sold?";
  if (form.tags.join(",").length > 500) wrong["tags"] = "All tags together have at most 500 letters.";
  if (form.setup.length > 100) wrong["setup"] = "At most 100 letters.";
  if (form.notes.length > 100_000) wrong["notes"] = "At most 100,000 letters.";
  for (const [name, said] of Object.entries(sideProblems(form, before))) wrong[name] ??= said;
  return wrong;
}

function numberProblems(form: EntryForm): Wrong {
  const wrong: Wrong = {};
  for (const name of [...PRICES, ...AMOUNTS, "lots"] as const) {
    const typed = (form[name] ?? "").trim();
    const value = numberOf(typed);
    if (typed === "") continue;
    if (typed.includes(",")) wrong[name] = "Write it with a point and without commas, like 1310.25.";
    else if (Number.isNaN(value)) wrong[name] = "This is no number.";
    else if (name !== "pl" && name !== "mae" && name !== "mfe" && value <= 0) wrong[name] = "It must be above zero.";
    else if ((name === "mae" || name === "mfe") && value < 0) wrong[name] = "In pips, zero or more.";
    else if (Math.abs(value) >= (name === "lots" ? 1e9 : 1e12)) wrong[name] = "This is too large.";
  }
  if (!(form.lots ?? "").trim()) wrong["lots"] = "How many lots?";
  if (!form.entry.trim()) wrong["entry"] = "At which price was it opened?";
  return wrong;
}

function timeProblems(form: EntryForm, before?: EntryForm): Wrong {
  const wrong: Wrong = {};
  for (const name of TIMES) {
    if (form[name] === "") continue;
    const moment = momentOfField(form[name], form.zone);
    const year = Number(form[name].slice(0, 4));
    if (moment === null) wrong[name] = "There is no such time: clocks went forward then.";
    else if (year < 1970 || year >= 2100) wrong[name] = "Between 1970 and 2099.";
  }
  if (form.openTime === "") wrong["openTime"] = "When was it opened?";
  const [opened, closed] = TIMES.map((name) => momentOfField(form[name], form.zone));
  if (opened && closed && closed < opened) wrong["closeTime"] = "It closed before it was opened.";
  const isNew = before === undefined || before.exit !== form.exit || before.closeTime !== form.closeTime;
  if (isNew && form.exit.trim() && form.closeTime === "") wrong["closeTime"] = "When was it closed?";
  return wrong;
}

/** The server has no R for a stop on the wrong side, and nobody means one. */
function sideProblems(form: EntryForm, before?: EntryForm): Wrong {
  const wrong: Wrong = {};
  const entry = numberOf(form.entry);
  const sign = form.type === "BUY" ? 1 : form.type === "SELL" ? -1 : 0;
  for (const [name, word, way] of [
    ["sl", "stop", -sign],
    ["tp", "target", sign],
  ] as const) {
    const isAsItWas = before && [name, "entry", "type"].every((one) => before[one as "sl"] === form[one as "sl"]);
    if (!isAsItWas && (numberOf(form[name]) - entry) * way <= 0 && sign !== 0) {
      wrong[name] = `The ${word} of a ${form.type} lies ${way > 0 ? "above" : "below"} its entry.`;
    }
  }
  return wrong;
}

/** How far a price is from the entry, in price, in the trade's favour above zero; null while that is not known. */
export function distanceOf(form: EntryForm, name: "sl" | "tp" | "exit"): number | null {
  const distance = (numberOf(form[name]) - numberOf(form.entry)) * (form.type === "SELL" ? -1 : 1);
  return Number.isNaN(distance) || form.type === "" ? null : distance;
}

/** The form as the server takes it; call it where there are no problems. Left open is null. */
export function bodyOf(form: EntryForm): Schema<"EntryBody"> {
  const amount = (typed: string) => (typed.trim() === "" ? null : numberOf(typed));
  return {
    symbol: form.symbol.trim(),
    type: form.type as "BUY" | "SELL",
    lots: numberOf(form.lots ?? ""),
    openTime: momentOfField(form.openTime, form.zone) ?? "",
    closeTime: form.closeTime === "" ? null : momentOfField(form.closeTime, form.zone),
    ...(Object.fromEntries([...PRICES, ...AMOUNTS].map((name) => [name, amount(form[name])])) as { entry: number }),
    setup: form.setup.trim() || null,
    session: SESSIONS.find((one) => one === form.session) ?? null,
    tags: form.tags.join(",") || null,
    notes: form.notes || null,
    signal_id: form.signal_id,
  };
}

/** Only what was changed: the rest stays as it is stored, to the second and the last digit. */
export function changesOf(form: EntryForm, before: EntryForm): Schema<"EntryChange"> {
  const [now, then] = [bodyOf(form), bodyOf(before)];
  return Object.fromEntries(
    Object.entries(now).filter(([name, value]) => value !== then[name as keyof typeof then]),
  ) as Schema<"EntryChange">;
}
