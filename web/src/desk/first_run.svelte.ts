/** Whether the explanation of an empty desk was put away on this device. `#/desk?show=start` shows it again. */

const NAME = "alphaforge.start.seen";

export const firstRun = $state({ isSeen: localStorage.getItem(NAME) !== null });

export function putAway(): void {
  localStorage.setItem(NAME, "yes");
  firstRun.isSeen = true;
}
