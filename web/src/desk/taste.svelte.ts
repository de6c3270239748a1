/** Which indicators this browser draws. Kept on the device. */

export const LOWER = {
  none: [],
  rsi: ["rsi"],
  macd: ["macd", "macd_signal"],
  adx: ["adx", "plus_di", "minus_di"],
} as const;
export const OVERLAYS = {
  averages: ["ema_fast", "ema_middle", "ema_slow"],
  bands: ["bollinger_upper", "bollinger_lower"],
} as const;

type Kept = { averages: boolean; bands: boolean; signals: boolean; lower: keyof typeof LOWER };
const NAME = "alphaforge.chart";
const USUAL: Kept = { averages: true, bands: false, signals: true, lower: "none" };

function kept(): Kept {
  try {
    const found: Kept = { ...USUAL, ...JSON.parse(localStorage.getItem(NAME) ?? "{}") };
    return found.lower in LOWER ? found : USUAL;
  } catch {
    return USUAL; // not ours, or cut off
  }
}

export const taste = $state<Kept>(kept());

export function keepTaste(): void {
  localStorage.setItem(NAME, JSON.stringify(taste));
}

/** The indicators to ask for, in a fixed order. */
export function wantedIndicators(): string[] {
  const over = (["averages", "bands"] as const).filter((name) => taste[name]).flatMap((name) => OVERLAYS[name]);
  return [...over, ...LOWER[taste.lower]];
}
