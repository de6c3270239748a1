/** How this browser likes to be shown things. Kept on the device; the server knows nothing of it. */

import type { Zone } from "../format/times";

export type Theme = "system" | "light" | "dark";
type Kept = { theme: Theme; zone: Zone; hideMoney: boolean };

const NAME = "alphaforge.preferences";
const USUAL: Kept = { theme: "system", zone: "local", hideMoney: false };

function kept(): Kept {
  try {
    return { ...USUAL, ...JSON.parse(localStorage.getItem(NAME) ?? "{}") };
  } catch {
    return USUAL; // not ours, or cut off: as if nothing was kept
  }
}

class Preferences {
  #kept = $state<Kept>(kept());

  constructor() {
    addEventListener("storage", (event) => {
      if (event.key !== NAME) return; // another tab changed them: money that is hidden there is hidden here
      Object.assign(this.#kept, kept());
      showTheme();
    });
  }

  get theme(): Theme {
    return this.#kept.theme;
  }
  set theme(theme: Theme) {
    this.#keep({ theme });
    showTheme();
  }

  get zone(): Zone {
    return this.#kept.zone;
  }
  set zone(zone: Zone) {
    this.#keep({ zone });
  }

  /** Whether amounts of money are covered: for screens that others see. */
  get hideMoney(): boolean {
    return this.#kept.hideMoney;
  }
  set hideMoney(hideMoney: boolean) {
    this.#keep({ hideMoney });
  }

  #keep(change: Partial<Kept>): void {
    Object.assign(this.#kept, change);
    localStorage.setItem(NAME, JSON.stringify(this.#kept));
  }
}

export const preferences = new Preferences();

const darkSystem = matchMedia("(prefers-color-scheme: dark)");

class Shade {
  isDark = $state(false);
}

/** Which of both is shown; charts, which style sheets do not reach, draw themselves by it. */
export const shade = new Shade();

/** Put the theme on the page: at once at the start, and when it or the system's changes. */
export function showTheme(): void {
  const { theme } = preferences;
  shade.isDark = theme === "dark" || (theme === "system" && darkSystem.matches);
  document.documentElement.dataset["theme"] = shade.isDark ? "dark" : "light";
}

darkSystem.addEventListener("change", showTheme);
