import { expect, it } from "vitest";
import { SetClock } from "./clock";

it("a clock that is set is told once, by how much; one that runs is not", () => {
  let [shown, steady] = [1_000_000, 500];
  const clock = new SetClock(
    () => shown,
    () => steady,
  );
  const pass = (ms: number, set = 0) => ((shown += ms + set), (steady += ms));
  pass(60_000);
  expect(clock.setBy()).toBe(0);
  pass(1_000, -7_200_000);
  expect([clock.setBy(), clock.setBy()]).toEqual([-7_200_000, 0]);
  pass(1_000, 3_600_000);
  expect([clock.setBy(), clock.setBy()]).toEqual([3_600_000, 0]);
});
