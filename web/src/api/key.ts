/** The server's API key as this browser keeps it: for the tab, or until it is forgotten. It is shown nowhere. */

const NAME = "alphaforge.key";

export function keptKey(): string | null {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
}

export function keepKey(key: string, { onDevice }: { onDevice: boolean }): void {
  forgetKey();
  (onDevice ? localStorage : sessionStorage).setItem(NAME, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}
