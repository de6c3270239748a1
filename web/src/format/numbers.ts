/** Numbers as traders read them. What is not there is a dash, never a zero. */

export const NONE = "–";

const decimals = new Map<string, Intl.NumberFormat>();

function fixed(digits: number, signed = false): Intl.NumberFormat {
  const key = `${digits}${signed}`;
  let format = decimals.get(key);
  if (format === undefined) {
    const signDisplay = signed ? "exceptZero" : "auto";
    format = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay });
    decimals.set(key, format);
  }
  return format;
}

type Maybe = number | null | undefined;

/** With so many digits behind the point; `signed` shows a plus. A true minus sign, since columns are read by it. */
export function number(value: Maybe, digits = 0, signed = false): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return fixed(digits, signed).format(value).replace("-", "−");
}

/** A price with its instrument's digits (5 where they are not known), without separators between thousands. */
export function price(value: Maybe, precision: number | undefined): string {
  return number(value, precision ?? 5).replaceAll(",", "");
}

/** A distance of prices in pips. `pip` is the instrument's, for instance 0.01 for USD_JPY. */
export function pips(distance: Maybe, pip: number | undefined, signed = false): string {
  if (distance === null || distance === undefined || !pip) return NONE;
  return number(distance / pip, 1, signed);
}

/** A share of 1 as percent. */
export function percent(share: Maybe, digits = 1): string {
  return share === null || share === undefined ? NONE : `${number(share * 100, digits)} %`;
}

/** A multiple of what was risked. */
export function multiple(value: Maybe): string {
  return value === null || value === undefined ? NONE : `${number(value, 2, true)} R`;
}

export function bytes(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "KiB", "MiB", "GiB"];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${number(size, unit === 0 || size >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** Seconds in the unit that fits. */
export function duration(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 1) return `${number(seconds * 1000, seconds < 0.01 ? 2 : 0)} ms`;
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3_600) return `${number(Math.floor(seconds / 60))} min`;
  const hours = Math.floor(seconds / 3_600);
  if (hours < 48) return `${hours} h ${number(Math.floor((seconds % 3_600) / 60))} min`;
  return `${number(hours / 24, 1)} days`;
}

/** A number as it was typed; NaN for what is none. A comma is refused: it could mean thousands. */
export function numberOf(typed: string): number {
  const plain = typed.trim().replace("−", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
}

/** How old something is, in whole seconds, then minutes, then hours. */
export function age(seconds: number): string {
  return seconds < 59.5 ? `${number(seconds)} s` : duration(Math.max(60, seconds));
}

/** A word of the interface for people: `no_direction` is "no direction". */
export function words(name: string | null | undefined): string {
  return name ? name.replaceAll("_", " ").toLowerCase() : NONE;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
