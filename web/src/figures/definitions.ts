/** What each figure means, asked of the server once. */

import { type Schema, answer, server } from "../api/client";

export type Definition = Schema<"FigureDefinition">;

let asked: Promise<Definition[]> | undefined;

export function definitions(): Promise<Definition[]> {
  asked ??= answer(server.GET("/api/statistics/definitions"))
    .then((found) => found.definitions)
    .catch((error: unknown) => {
      asked = undefined; // the next one asks again
      throw error;
    });
  return asked;
}
