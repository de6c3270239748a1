/** Handing a file to the journal. The server reads it as a job, which is waited for. */

import { type Schema, answer, server } from "../api/client";
import { bytes } from "../format/numbers";

const KINDS: Record<string, string> = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
};
const MOST = 10 * 1024 * 1024;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 2_000;
const ENDED = ["done", "failed", "cancelled"];

type Fault = { row: number; loc?: (string | number)[]; msg: string };
export type Outcome = { created: number; error: string | null; faults: string[] };

/** What is wrong with a file before it is sent; "" where nothing is. */
export function fileProblem(file: { name: string; size: number }): string {
  if (kindOf(file.name) === undefined) return "Choose a file that ends in .csv, .ndjson or .jsonl.";
  if (file.size === 0) return "The file is empty.";
  return file.size > MOST ? `It has ${bytes(file.size)}, and the server takes ${bytes(MOST)}: split it.` : "";
}

function kindOf(name: string): string | undefined {
  return KINDS[name.toLowerCase().split(".").at(-1) ?? ""];
}

/** All rows are stored, or none and `faults` names the wrong ones. `key` makes a repeated sending the same job. */
export async function importEntries(file: File, key: string): Promise<Outcome> {
  const asked = server.POST("/api/journal/import", {
    params: { header: { "Idempotency-Key": key } },
    headers: { "Content-Type": kindOf(file.name) ?? "" },
    body: file as never, // as it is, whatever its letters; the interface's description has no shape for a file
    bodySerializer: (given: unknown) => given as File,
  });
  return outcomeOf(await ended(await answer(asked)));
}

async function ended(job: Schema<"Job">): Promise<Schema<"Job">> {
  for (let wait = FIRST_WAIT_MS; !ENDED.includes(job.status); wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    job = await answer(server.GET("/api/jobs/{job_id}", { params: { path: { job_id: job.id } } }));
  }
  return job;
}

export function outcomeOf(job: Pick<Schema<"Job">, "status" | "error" | "result">): Outcome {
  const { created = 0, errors = [] } = (job.result ?? {}) as { created?: number; errors?: Fault[] };
  const error = job.status === "done" ? null : (job.error ?? `The import was ${job.status}.`);
  return { created, error, faults: errors.map(faultInWords) };
}

/** The server counts rows from 0, people from 1. */
function faultInWords({ row, loc, msg }: Fault): string {
  return `Row ${row + 1}${loc?.length ? `, ${loc.join(".")}` : ""}: ${msg}`;
}
