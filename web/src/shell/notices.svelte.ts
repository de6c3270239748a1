/** Short messages at the edge of the page: what was done, and how it is taken back. */

type Action = { label: string; run: () => void | Promise<void> };
type Notice = { id: number; text: string; tone: "plain" | "good" | "bad"; action: Action | null };

const SHOWN_MS = 8_000;

class Notices {
  all = $state.raw<Notice[]>([]);
  /** Open dialogs, the uppermost last: all beneath it can neither be seen nor pressed. */
  dialogs = $state.raw<readonly string[]>([]);
  #next = 1;

  /** A bad one stays until it is put away; one with an action as long as the others, unless `shownMs` says longer. */
  say(text: string, options: { tone?: Notice["tone"]; action?: Action; shownMs?: number } = {}): void {
    const { tone = "plain", action = null, shownMs = SHOWN_MS } = options;
    const notice = { id: this.#next++, text, tone, action };
    this.all = [...this.all.slice(-3), notice];
    if (tone !== "bad") setTimeout(() => this.putAway(notice.id), shownMs);
  }

  /** Show them in this dialog from now on, until the answer is called. */
  within(dialog: string): () => void {
    this.dialogs = [...this.dialogs, dialog];
    return () => (this.dialogs = this.dialogs.filter((one) => one !== dialog));
  }

  putAway(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();
