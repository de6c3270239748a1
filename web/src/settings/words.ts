/** What the server calls by a name, in words. */

/** `oanda-practice` is OANDA's practice account; with `@host` it is another server, whose prices nobody vouches for. */
export function sourceWords(source: string): string {
  const [account = "", host] = source.split("@", 2);
  const environment = account === "oanda-live" ? "live" : "practice";
  if (host !== undefined) return `${host}, which is not OANDA's own server, asked as for a ${environment} account`;
  if (account === "oanda-practice") return "OANDA, a practice account: real prices, play money";
  if (account === "oanda-live") return "OANDA, a live account: real prices, real money";
  if (account.startsWith("sandbox")) return "Simulated: prices are invented";
  return source;
}

const KINDS: Record<string, string> = {
  signal: "new signals",
  outcome: "outcomes of signals",
  feed: "prices that stay away",
  token: "a token that OANDA refuses",
  task: "background work that is given up",
  channel: "another channel that was disabled",
};

/** What a channel is told of; all where it names none. */
export function kindWords(kinds: string[]): string {
  return kinds.length === 0 ? "everything" : kinds.map((kind) => KINDS[kind] ?? kind).join(", ");
}
