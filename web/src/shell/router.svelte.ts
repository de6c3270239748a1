/** Which page is shown, from the address behind `#`: `#/signals?status=WON`. The server knows one page only. */

const PAGES = ["desk", "signals", "record", "journal", "backtest", "performance", "settings"] as const;
export type PageName = (typeof PAGES)[number];

function read(): { page: PageName; query: URLSearchParams } {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const page = PAGES.find((name) => name === path) ?? "desk";
  return { page, query: new URLSearchParams(query) };
}

class Router {
  #place = $state.raw(read());
  /** Another query of the same page is no other page: it stays as it is. */
  readonly page: PageName = $derived(this.#place.page);

  constructor() {
    addEventListener("hashchange", () => (this.#place = read()));
  }

  /** What the page keeps in its address, so that it can be linked to, reloaded and gone back to. */
  get query(): URLSearchParams {
    return this.#place.query;
  }

  /** Change some of the page's query; null and "" take a part away. `replace`: without a step in the history. */
  change(parts: Record<string, string | number | null>, { replace = false } = {}): void {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(parts)) {
      if (value === null || value === "") query.delete(name);
      else query.set(name, String(value));
    }
    const address = link(this.page, query);
    if (address === location.hash) return;
    if (replace) {
      history.replaceState(null, "", address);
      this.#place = read();
    } else location.hash = address;
  }
}

/** The address of a page. */
export function link(page: PageName, query: URLSearchParams | Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${page}${text ? `?${text}` : ""}`;
}

/** What an address names, if it is one of these; what somebody wrote by hand may be none. */
export function chosenOf<Name extends string>(among: Record<Name, unknown>, name: string | null): Name | null {
  return name !== null && Object.hasOwn(among, name) ? (name as Name) : null;
}

export const router = new Router();
