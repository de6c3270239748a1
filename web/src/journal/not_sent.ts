/** What to do about something that was not taken: forms are not sent again by themselves, as pages are loaded. */

import type { Problem } from "../api/problem";

export function adviceOn({ status, message, advice }: Problem): string | null {
  if (status === 0) return "Nothing you typed is lost: try again when the server is back.";
  if (status === 401) return "Nothing you typed is lost: enter the key, then try again.";
  if (message.includes("Idempotency-Key")) {
    return "It was stored by an earlier sending, whose answer was lost: find it in the list. To write another one, close this, open it again and start anew.";
  }
  return advice;
}
