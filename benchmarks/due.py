"""Finding who is due among 1,000,000 people, 100,000 of them in the next hour, beside 1,000, in one run.

    python benchmarks/due.py [--rounds 200] [--people 1000000]

In both databases 80 people are due now. A round looks into every lane of each, in turn, with the very
statement of the server; the answer is checked. What is printed is the ratio of the medians: 1.0 says that
the others cost nothing. Machines differ and are busy with other things, so the times themselves mean little.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from server.clock import DAY, HOUR
from server.ids import new_person_id
from server.model import LANES, Due, due_at
from server.people.state import begin
from server.store.base import Changes, Store
from server.store.engines import open_store

NOW = 1_790_000_000_000
DUE_NOW = 80
CHUNK = 10_000


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--people", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few = await filled(Path(folder) / "few.db", 1_000)
        many = await filled(Path(folder) / "many.db", options.people)
        times: dict[str, list[float]] = {"few": [], "many": []}
        for _ in range(options.rounds):
            for name, store in (("few", few), ("many", many)):
                start = time.perf_counter()
                found = await look(store)
                times[name].append(time.perf_counter() - start)
                if len(found) != DUE_NOW or any(entry.at > NOW for entry in found):
                    sys.exit(f"{name}: {len(found)} were found, {DUE_NOW} are due.")
        await few.close()
        await many.close()
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    ratios = sorted(many / few for few, many in zip(times["few"], times["many"], strict=True))
    low, high = ratios[len(ratios) // 10], ratios[-len(ratios) // 10]
    print(
        f"1,000 people, 100 due in the next hour:      {medians['few'] * 1e6:7.0f} us for all {LANES} lanes"
    )
    print(
        f"{options.people:,} people, {options.people // 10:,} due then: "
        f"{medians['many'] * 1e6:7.0f} us for all {LANES} lanes"
    )
    ratio = medians["many"] / medians["few"]
    print(f"ratio of the medians: {ratio:.2f}  ({low:.2f} to {high:.2f} in 8 of 10 rounds)")


async def look(store: Store) -> list[Due]:
    """What a server does every 2 seconds."""
    return [entry for lane in range(LANES) for entry in await store.rulings.due(lane, NOW, 200)]


async def filled(path: Path, people: int) -> Store:
    """So many people, all due some time: DUE_NOW now, a tenth in the next hour, the others in 30 days."""
    chance = random.Random(7)
    store = await open_store(f"sqlite:///{path}")
    for start in range(0, people, CHUNK):
        begun, due = [], []
        for number in range(start, min(start + CHUNK, people)):
            person_id = new_person_id(NOW - people + number)
            begun.append(begin(person_id, "main", f"{number:032x}", NOW - DAY))
            if number < DUE_NOW:
                at = NOW - chance.randrange(HOUR)
            elif number < people // 10:
                at = NOW + 1 + chance.randrange(HOUR)
            else:
                at = NOW + HOUR + chance.randrange(30 * DAY)
            due.append(due_at(person_id, "thirty-days", at))
        async with store.transaction() as transaction:
            await transaction.save(Changes(people=begun, due=due))
    return store


if __name__ == "__main__":
    asyncio.run(main())
