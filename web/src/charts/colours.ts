/** The theme's colours for what is drawn, where style sheets do not reach. */

export type Tone = "accent" | "good" | "bad" | "warn" | "muted";

/** A custom property of the theme as it is now, for instance `--line`. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
