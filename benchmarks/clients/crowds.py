"""The two kinds of crowd."""

import asyncio
import math
import time
from collections import deque
from itertools import cycle, islice

from benchmarks.clients.connection import Connection
from benchmarks.clients.tally import Load, Seen, Tally

_PATIENCE = 10.0
_MOMENT = 0.01
_LONGEST = 30.0


class Closed:
    """Each client asks again when it was answered."""

    def __init__(self, load: Load) -> None:
        self.tally = Tally(frozenset(load.expected))
        self._requests = load.requests
        self._next: dict[Connection, cycle[bytes]] = {}
        self._is_asking = True

    def begin(self, clients: list[Connection]) -> None:
        """All ask their first question."""
        for number, client in enumerate(clients):
            first = number % len(self._requests)
            own = cycle([*islice(cycle(self._requests), first, first + len(self._requests))])
            self._next[client] = own
            client.ask(next(own), time.perf_counter())

    def end(self) -> None:
        """Nobody asks again."""
        self._is_asking = False

    def give_up(self) -> None:
        """Nothing was left unasked."""

    def answered(self, client: Connection, status: int, now: float) -> None:
        """Count it, and ask again."""
        seconds = now - client.since
        self.tally.answered(status, seconds, now)
        if not client.was_answered:
            client.was_answered = True
            self.tally.slowest_first = max(self.tally.slowest_first, seconds)
        if self._is_asking:
            client.ask(next(self._next[client]), now)

    def lost(self, client: Connection, why: str) -> None:
        """An error; this client asks no more."""
        client.waits = False
        self.tally.errors[why] += 1


class Open:
    """Requests fall due at a constant rate; where no client is free they wait, and their time runs."""

    def __init__(self, load: Load) -> None:
        assert load.rate
        self.tally = Tally(frozenset(load.expected))
        self._pause = 1 / load.rate
        self._requests = cycle(load.requests)
        self._free: deque[Connection] = deque()
        self._due = 0.0
        self._was_short = False
        self._last = math.inf
        self._loop = asyncio.get_running_loop()

    def begin(self, clients: list[Connection]) -> None:
        """From now on."""
        self._free.extend(clients)
        self._due = time.perf_counter()
        self._loop.call_soon(self._turn)

    def end(self) -> None:
        """Nothing falls due any more; what was due is still asked."""
        self._last = self.tally.end

    def give_up(self) -> None:
        """What was due and could not be asked is an error."""
        if math.isfinite(self._last) and self._due < self._last:
            self.tally.errors["never asked"] += int((self._last - self._due) / self._pause) + 1
        self._last = -math.inf

    def answered(self, client: Connection, status: int, now: float) -> None:
        """Count it by the moment it was due; the client is free."""
        self.tally.answered(status, now - client.since, client.since)
        self._free.append(client)

    def lost(self, client: Connection, why: str) -> None:
        """An error; there is one client fewer."""
        client.waits = False
        self.tally.errors[why] += 1
        if client in self._free:
            self._free.remove(client)

    def _turn(self) -> None:
        """Ask what is due. It comes round with each turn of the loop: timers are too coarse, and this core is ours."""
        if self._due >= self._last:
            return
        now = min(time.perf_counter(), self._last)
        free = self._free
        while free and self._due <= now:
            if not self._was_short and self.tally.start <= self._due < self.tally.end:
                self.tally.lateness.append(now - self._due)
            free.popleft().ask(next(self._requests), self._due)
            self._due += self._pause
        self._was_short = not free  # what is late next time is the server's doing
        self._loop.call_soon(self._turn)


async def run(load: Load) -> Seen:
    """Connect, warm up, ask for as long as was said, and wait for the last answers."""
    crowd = Open(load) if load.rate else Closed(load)
    clients = [await _connected(Connection(crowd), load.port) for _ in range(load.clients)]
    crowd.begin(clients)
    await asyncio.sleep(load.warm_up)
    tally, before, worked = crowd.tally, sum(client.bytes for client in clients), time.process_time()
    tally.start = time.perf_counter()
    await asyncio.sleep(load.seconds)
    for _ in range(int(_LONGEST / _MOMENT)):
        if len(tally.latencies) >= load.at_least:
            break
        await asyncio.sleep(_MOMENT)
    tally.end = time.perf_counter()
    busy = (time.process_time() - worked) / (tally.end - tally.start)
    size = sum(client.bytes for client in clients) - before
    crowd.end()
    if waiting := await _still_waiting(clients):
        tally.errors["unanswered"] += waiting
    crowd.give_up()
    for client in clients:
        client.close()
    return tally.seen(size, busy)


async def _still_waiting(clients: list[Connection]) -> int:
    """How many were not answered although the last answers were waited for."""
    for _ in range(int(_PATIENCE / _MOMENT)):
        if not any(client.waits for client in clients):
            return 0
        await asyncio.sleep(_MOMENT)
    return sum(client.waits for client in clients)


async def _connected(client: Connection, port: int) -> Connection:
    await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)
    return client
