/** What went wrong with a request, in words for people; by the server's problem details (RFC 9457) where it sent some. */

export class Problem extends Error {
  /** 0 where no answer came. */
  readonly status: number;
  readonly advice: string | null;
  /** What is wrong with a field of the body, by its name; of a row of a bulk write by `row.name`. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, advice: string | null = null, fields: Record<string, string> = {}) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.advice = advice;
    this.fields = fields;
  }

  /** What went wrong and what to do, as one text. */
  get whole(): string {
    const end = /[.!?]$/.test(this.message) ? "" : ".";
    return `${this.message}${end}${this.advice ? ` ${this.advice}` : ""}`;
  }
}

/** No answer came: the server is gone, or the way to it. Questions are asked again by themselves, and they alone. */
export function unreachable(isQuestion = false): Problem {
  const advice = isQuestion ? "It is tried again by itself." : "Try again when the server is back.";
  return new Problem(0, "The server cannot be reached.", `${advice} Nothing you typed is lost.`);
}

type Wrong = { loc?: unknown[]; msg?: unknown };

/** Read the body of an answer that is no success. */
export function problemOf(status: number, body: unknown): Problem {
  if (typeof body !== "object" || body === null) {
    return new Problem(status, `The server answered ${status} without saying why.`);
  }
  const { detail, advice } = body as { detail?: unknown; advice?: unknown };
  const said = typeof advice === "string" ? advice : null;
  if (Array.isArray(detail)) {
    const fields = Object.fromEntries((detail as Wrong[]).map((one) => [fieldOf(one.loc), String(one.msg)]));
    const words = Object.entries(fields).map(([name, wrong]) => (name ? `${name}: ${wrong}` : wrong));
    return new Problem(status, words.join("; "), said, fields);
  }
  return new Problem(status, String(detail ?? `The server answered ${status}.`), said);
}

/** `["body", "stop_loss"]` is the field stop_loss. */
function fieldOf(place: unknown[] | undefined): string {
  return (place ?? []).filter((part) => !["body", "query", "path", "header"].includes(String(part))).join(".");
}
