/** An entry while it is typed: kept over reloads, held against the rules, sent, and what the server said of it. */

import { SvelteSet } from "svelte/reactivity";
import { type Schema, answer, asProblem, idempotencyKey, server } from "../api/client";
import type { Problem } from "../api/problem";
import { preferences } from "../shell/preferences.svelte";
import { Draft } from "../ui/draft.svelte";
import {
  type Entry,
  type EntryForm,
  type Signal,
  bodyOf,
  caughtUp,
  changesOf,
  emptyForm,
  formOfEntry,
  formOfSignal,
  problemsOf,
} from "./entry_form";
import { type Listed, recentEntries, usualLots } from "./recent_entries";
import { SHOTS, type Shots } from "./screenshot";

const begun = (form: EntryForm): EntryForm => ({ ...form, began: form });

type Stored = Schema<"StoredEntry">;

/** Create it while a component is set up. `before`: the whole entry that is changed. */
export class EntryEditor {
  /** Bound to by the fields. */
  readonly draft: Draft<EntryForm>;
  /** Apart from the texts, so that a letter typed does not write megabytes. */
  readonly shots: Draft<Shots>;
  recent = $state.raw<Listed[]>([]);
  isSending = $state(false);
  problem = $state.raw<Problem | null>(null);
  usual = $derived.by(() => usualLots(this.recent, this.draft.value.symbol));
  /** The form as it would be sent. */
  whole: EntryForm = $derived.by(() => ({ ...this.draft.value, lots: this.draft.value.lots ?? this.usual.lots }));

  #before: Entry | undefined;
  #start: EntryForm;
  #startShots: Shots;
  #wrong = $derived.by(() => problemsOf(this.whole, this.#before && this.#start));
  #left = new SvelteSet<string>();
  #wasTried = $state(false);
  #sent = $state.raw<EntryForm | null>(null);
  #recentCame: Promise<unknown>;

  constructor(before: Entry | undefined, signal: Signal | undefined) {
    const { zone } = preferences;
    this.#before = before;
    if (before) this.#start = begun(formOfEntry(before, zone));
    else if (signal) this.#start = formOfSignal(signal, zone, idempotencyKey());
    else this.#start = emptyForm(zone, idempotencyKey());
    const { screenshot_entry: entry, screenshot_exit: exit, screenshot_analysis: analysis } = before ?? {};
    this.#startShots = { entry: entry ?? null, exit: exit ?? null, analysis: analysis ?? null };
    const name = before ? `entry.${before.id}` : signal ? `entry.of.${signal.id}` : "entry";
    this.draft = new Draft(name, () => ({ ...this.#start, tags: [...this.#start.tags] }));
    this.shots = new Draft(`${name}.shots`, () => ({ ...this.#startShots }));
    if (before && this.draft.wasKept) {
      this.draft.value = caughtUp(this.draft.value, before);
      this.#start = begun(formOfEntry(before, this.draft.value.zone));
    }
    this.#recentCame = recentEntries().then(
      (entries) => (this.recent = entries),
      () => undefined, // without them there are no suggestions
    );
  }

  get wasKept(): boolean {
    return this.draft.wasKept || this.shots.wasKept;
  }

  /** As it was before anything was typed. */
  startAnew(): void {
    if (!this.#before) this.#start.key = idempotencyKey(); // it is another entry
    this.draft.clear();
    this.shots.clear();
    this.problem = null;
    this.#left.clear();
    this.#wasTried = false;
  }

  leave(field: string): void {
    this.#left.add(field);
  }

  /** What is wrong with a field, once it was left or sent; and what the server said of it, until it is changed. */
  said(name: keyof EntryForm): string | undefined {
    if ((this.#wasTried || this.#left.has(name)) && this.#wrong[name]) return this.#wrong[name];
    return this.#sent && this.#sent[name] === this.whole[name] ? this.problem?.fields[name] : undefined;
  }

  /** The entry as it was stored; null where it was not, and the fields or `problem` say why. */
  async save(): Promise<Stored | null> {
    this.#wasTried = true;
    this.isSending = true;
    await this.#recentCame; // the size may come from them
    const stored = Object.keys(this.#wrong).length === 0 ? await this.#send() : null;
    this.isSending = false;
    return stored;
  }

  async #send(): Promise<Stored | null> {
    this.problem = null;
    this.#sent = this.whole;
    try {
      const stored = await (this.#before ? this.#change(this.#before.id) : this.#create());
      this.draft.clear();
      this.shots.clear();
      return stored;
    } catch (error) {
      this.problem = asProblem(error);
      return null;
    }
  }

  #create(): Promise<Stored> {
    const body = { ...bodyOf(this.whole), ...this.#changedShots() };
    const params = { header: { "Idempotency-Key": this.whole.key } };
    return answer(server.POST("/api/journal/entries", { params, body }));
  }

  #change(id: number): Promise<Stored> {
    const body = { ...changesOf(this.whole, this.#start), ...this.#changedShots() };
    return answer(server.PUT("/api/journal/entries/{entry_id}", { params: { path: { entry_id: id } }, body }));
  }

  #changedShots(): Record<string, string | null> {
    const now = this.shots.value;
    const changed = SHOTS.filter((shot) => now[shot] !== this.#startShots[shot]);
    return Object.fromEntries(changed.map((shot) => [`screenshot_${shot}`, now[shot]]));
  }
}
