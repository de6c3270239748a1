import { describe, expect, it } from "vitest";
import { EventReader } from "./events";

const SENT =
  'retry: 2000\n\nevent: status\nid: 3.14\ndata: {"a":1}\n\n: still here\nid: 3.15\n\nevent: price\ndata: x\ndata: y\n\n';
const EVENTS = [
  { kind: "status", id: "3.14", data: '{"a":1}' },
  { kind: "price", id: "3.15", data: "x\ny" },
];

describe("events", () => {
  it("are the same however the text is cut", () => {
    for (let cut = 0; cut <= SENT.length; cut++) {
      const reader = new EventReader();
      expect([...reader.take(SENT.slice(0, cut)), ...reader.take(SENT.slice(cut))]).toEqual(EVENTS);
    }
  });

  it("may end their lines as they like", () => {
    expect(new EventReader().take(SENT.replaceAll("\n", "\r\n"))).toEqual(EVENTS);
  });

  it("name what to go on from, comments with an id included", () => {
    const reader = new EventReader();
    reader.take("id: 7.1\ndata: x\n\n: nothing\nid: 8.2\n\n");
    expect(reader.id).toBe("8.2");
  });
});
