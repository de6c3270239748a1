"""A question of the gate: some work of ours and its reference, in turn, by the CPU time of the best round of each."""

import gc
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Pair:
    """`work` against `reference`, either of which takes a millisecond or two.

    Short rounds and many of them: whatever else runs on the machine takes the core and its caches between some, not
    between all, and the best is one that nobody disturbed.
    """

    name: str
    against: str
    work: Work
    reference: Work
    rounds: int

    async def best(self) -> tuple[float, float]:
        """Seconds of ours and of the reference."""
        for once in (self.work, self.reference):
            await _spent(once)  # what is made once is made here
        best = [float("inf"), float("inf")]
        gc.collect()
        gc.disable()
        try:
            for _ in range(self.rounds):
                for place, one in enumerate((self.work, self.reference)):
                    best[place] = min(best[place], await _spent(one))
                gc.collect(0)
        finally:
            gc.enable()
        return best[0], best[1]


async def _spent(work: Work) -> float:
    """Seconds of this process's CPU, all its threads: what others use meanwhile is not in it."""
    began = time.process_time()
    await work()
    return time.process_time() - began
