/** The server's API key as this browser keeps it: for the tab, or until it is forgotten. It is shown nowhere. */

const NAME = "alphaforge.key";

export function keptKey(): string | null {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
}

/** Where it is kept; null where there is none. */
export function keyPlace(): "tab" | "device" | null {
  if (sessionStorage.getItem(NAME) !== null) return "tab";
  return localStorage.getItem(NAME) === null ? null : "device";
}

export function keepKey(key: string, { onDevice }: { onDevice: boolean }): void {
  forgetKey();
  (onDevice ? localStorage : sessionStorage).setItem(NAME, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

/** The header that carries a key. Headers are bytes: what is not ASCII goes as the UTF-8 that the server compares. */
export function headersOf(key: string | null): Record<string, string> {
  return key === null ? {} : { "X-API-Key": String.fromCharCode(...new TextEncoder().encode(key)) };
}

/** Call `listener` when another tab keeps a key on this device; it then counts here, too. */
export function onOtherTabsKey(listener: () => void): void {
  if (typeof window === "undefined") return; // a test of something else
  addEventListener("storage", (event) => {
    if (event.key !== NAME || event.newValue === null) return;
    sessionStorage.removeItem(NAME);
    listener();
  });
}
