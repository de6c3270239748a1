/** Finding an instrument by a part of its name, however it is written. */

const plain = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");

/** Those whose name or symbol has the text, separators aside; first those that begin with it. */
export function matching<One extends { instrument: string; symbol: string }>(all: One[], text: string): One[] {
  const wanted = plain(text);
  if (wanted === "") return [];
  const places = all.map((one) => {
    const found = [plain(one.instrument).indexOf(wanted), plain(one.symbol).indexOf(wanted)].filter((at) => at >= 0);
    return { one, at: found.length > 0 ? Math.min(...found) : -1 };
  });
  return places
    .filter(({ at }) => at >= 0)
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
