/** The one way to the server. Its types are those of the interface's own description. */

import createClient from "openapi-fetch";
import { headersOf, keptKey } from "./key";
import { lock } from "./lock.svelte";
import { Problem, problemOf, unreachable } from "./problem";
import type { components, paths } from "./schema";

export type { paths };

/** A shape of the interface by its name, for instance `Schema<"Signal">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** Ask with the key. While the server asks for another one the answer waits, and comes when it was entered. */
async function ask(request: Request): Promise<Response> {
  for (;;) {
    await lock.opened(request.signal);
    const key = keptKey();
    const attempt = request.clone(); // its body can be sent again
    for (const [name, value] of Object.entries(headersOf(key))) attempt.headers.set(name, value);
    const response = await fetch(attempt).catch((error) => {
      throw error instanceof DOMException && error.name === "AbortError"
        ? error
        : unreachable(request.method === "GET");
    });
    if (response.status !== 401) return response;
    lock.shut(key);
  }
}

/** `server.GET("/api/signals", { params: { query: { limit: 50 } } })`; hand it to `answer`. */
export const server = createClient<paths>({ baseUrl: "", fetch: ask });

/** What was answered, or a Problem thrown. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw problemOf(response.status, error);
  return data as T;
}

/** Any failure as a Problem: what is thrown beside them is a defect of this client, and says so. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, `The page has a defect: ${String(error)}`);
}

/** A key by which a repeated POST is known as the same: keep it as long as the form is. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A file of the server, saved under the name that the server gives it. The key cannot travel in a link. */
export async function download(path: string): Promise<void> {
  const response = await ask(new Request(path));
  if (!response.ok) throw problemOf(response.status, await response.json().catch(() => null));
  const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name ?? path.split("?")[0]!.split("/").at(-1)!;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
