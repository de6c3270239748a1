/** Server-sent events out of the pieces in which they come (HTML standard, 9.2.6). */

export type ServerEvent = { kind: string; id: string | null; data: string };

/** Takes text as it comes, gives whole events. An event's id is the newest that was named, its own or one before. */
export class EventReader {
  #rest = "";
  #id: string | null = null;
  #kind = "";
  #data: string[] = [];

  /** The newest id that was named: what to go on from. */
  get id(): string | null {
    return this.#id;
  }

  take(text: string): ServerEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => this.#line(line)).filter((event) => event !== null);
  }

  #line(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (name === "event") this.#kind = value;
    if (name === "data") this.#data.push(value);
    if (name === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { kind: this.#kind || "message", id: this.#id, data: this.#data.join("\n") };
    const isEvent = this.#data.length > 0;
    this.#kind = "";
    this.#data = [];
    return isEvent ? event : null;
  }
}
