"""What became of every line. Lines read = page views stored + repeated + each reason to skip, always."""

from collections import Counter
from collections.abc import Iterator

from server.importing.skips import Skip

SAMPLES = 5
"""How many line numbers of a reason are kept, to look them up in the log."""


class Tally:
    """Counts one import."""

    def __init__(self) -> None:
        self.read = 0
        self.stored = 0
        self.repeated = 0
        """Page views that an earlier import had stored already."""
        self.skipped: Counter[Skip] = Counter()
        self.samples: dict[Skip, list[int]] = {}

    def skip(self, reason: Skip, number: int) -> None:
        """Count the line of this number (from 1) as skipped."""
        self.skipped[reason] += 1
        samples = self.samples.setdefault(reason, [])
        if len(samples) < SAMPLES:
            samples.append(number)

    @property
    def readable(self) -> int:
        """Lines that were of the format, whatever they said."""
        return self.read - self.skipped[Skip.unreadable]

    def lines(self) -> Iterator[str]:
        """The tally as it is printed; the numbers below the first add up to it."""
        width = max(len(f"{self.read:,}"), 6)
        yield f"{self.read:>{width},}  lines read"
        yield f"{self.stored:>{width},}  page views stored"
        yield f"{self.repeated:>{width},}  page views that were stored before"
        for reason in Skip:
            if count := self.skipped[reason]:
                yield f"{count:>{width},}  skipped: {reason.value}{self._where(reason)}"

    def _where(self, reason: Skip) -> str:
        if reason not in (Skip.unreadable, Skip.url, Skip.future):
            return ""
        numbers = self.samples[reason]
        more = ", …" if self.skipped[reason] > len(numbers) else ""
        return f" (line {', '.join(map(str, numbers))}{more})"
