"""What is no mistake in leadtrail.yaml and probably not meant either: rules that can never match, windows
longer than events are kept, names that nothing was ever called, messages that compete for one moment.
"""

import difflib
from collections.abc import Collection, Iterator

from server.errors import Mistake
from server.model import Kind
from server.rules.document import Document, Step
from server.rules.mistakes import locate, owner
from server.rules.registry import Form
from server.rules.rule import Audience, Rule
from server.rules.schema import Config

Steps = tuple[Step, ...]


def find_doubts(
    config: Config, document: Document, now: int, event_names: Collection[str] | None = None
) -> list[Mistake]:
    """Every doubt with its place. `event_names` are those that were ever collected, where that is known."""
    doubts = [
        *_over(config, document, now),
        *_too_long(config, document),
        *_never_followed(config, document),
        *_competing(config, document),
    ]
    if event_names is not None:
        doubts += _unknown_events(config, document, event_names)
    return sorted(set(doubts))


def _said(document: Document, steps: Steps, message: str) -> Mistake:
    return Mistake(*locate(document, steps), owner(document, steps) + message)


def _over(config: Config, document: Document, now: int) -> Iterator[Mistake]:
    for number, rule in enumerate(config.rules):
        if rule.schedule is not None and all(rule.schedule.is_over(now, site) for site in config.sites):
            place = ("messages", number, "schedule")
            yield _said(document, place, "the schedule is over; it is never given.")


def _too_long(config: Config, document: Document) -> Iterator[Mistake]:
    """Windows that reach further back than single events are kept."""
    if config.retention is None:
        return
    for steps, audience in _audiences(config):
        for name, span in audience.looks_back:
            if span is not None and span > config.retention:
                message = f"a window on `{name}` is longer than the retention: older events are not counted."
                yield _said(document, steps, message)


def _never_followed(config: Config, document: Document) -> Iterator[Mistake]:
    """Rules that wait for what another rule of the file can never bring about."""
    for number, rule in enumerate(config.rules):
        for asked in _every(rule.if_):
            told = getattr(asked, "message", None)
            wants_seen = getattr(asked, "was", "") != "never seen"
            if told is None or not wants_seen or not (other := config.rules.get(told)):
                continue
            if other.deliver.page is None:
                message = f"message '{told}' goes by no page, so nobody ever sees it; this never matches."
                yield _said(document, ("messages", number, "if"), message)
            elif not other.to & rule.to and max(rule.to) < min(other.to):
                message = f"message '{told}' goes to others, whose role never falls; this never matches."
                yield _said(document, ("messages", number, "if"), message)


def _competing(config: Config, document: Document) -> Iterator[Mistake]:
    """Two messages that one page view gives to the same people. A cap on pages decides between them."""
    if config.caps.page is not None:
        return
    numbered = [(number, rule) for number, rule in enumerate(config.rules) if rule.deliver.page is not None]
    for place, (number, rule) in enumerate(numbered):
        rivals = [one.id for _, one in numbered[:place] if _compete(one, rule)]
        if rivals:
            more = f" and {len(rivals) - 1} more" if len(rivals) > 1 else ""
            message = (
                f"it competes with message '{rivals[0]}'{more}: one page view may give several, in the file's"
                " order; set `caps: {page: …}`, or let their conditions exclude each other."
            )
            yield _said(document, ("messages", number, "id"), message)


def _compete(one: Rule, other: Rule) -> bool:
    return _same_moment(one, other) and bool(one.to & other.to) and not _apart(one, other)


def _same_moment(one: Rule, other: Rule) -> bool:
    """Whether a view of the same page triggers both, as far as the patterns tell."""
    pages = [rule.when.page if rule.when else None for rule in (one, other)]
    if any(rule.when is not None and not rule.when.is_page for rule in (one, other)):
        return False
    first, second = pages
    if first is None or second is None:
        return first is None and second is None
    if first.exact is not None:
        return second.matches(first.exact)
    return first.text == second.text if second.exact is None else first.matches(second.exact)


def _apart(one: Rule, other: Rule) -> bool:
    """Whether what one wants keeps the other away."""
    for rule, rival in ((one, other), (other, one)):
        wanted = {asked.text for asked in rule.if_}
        if wanted & {asked.text for asked in rival.unless}:
            return True
        if any(getattr(asked, "message", None) == rival.id for asked in _every(rule.conditions())):
            return True
    counts = dict(counted for asked in one.if_ if (counted := asked.counts()))
    for asked in other.if_:
        if (counted := asked.counts()) and (times := counts.get(counted[0])):
            high = min((end for end in (times.high, counted[1].high) if end is not None), default=None)
            if high is not None and max(times.low, counted[1].low) > high:
                return True
    texts = {asked.text for asked in one.if_}
    return any(
        f"not ({text})" in texts or text in {f"not ({mine})" for mine in texts}
        for text in (asked.text for asked in other.if_)
    )


def _unknown_events(config: Config, document: Document, known: Collection[str]) -> Iterator[Mistake]:
    for steps, audience in _audiences(config):
        names = {key for kind, key in audience.keys if kind == Kind.event}
        names |= {name for name, _ in audience.looks_back}
        if isinstance(audience, Rule):
            names |= {key for kind, key in audience.asks if kind == Kind.event}
            if audience.when is not None and audience.when.event is not None:
                names.add(audience.when.event)
        for name in sorted(names - set(known)):
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
            advice = f"; did you mean '{near[0]}'?" if near else "."
            yield _said(document, steps, f"no event '{name[:60]}' was ever collected{advice}")


def _audiences(config: Config) -> Iterator[tuple[Steps, Audience]]:
    yield from ((("segments", name), segment) for name, segment in config.segments.items())
    yield from ((("messages", number), rule) for number, rule in enumerate(config.rules))


def _every(conditions: Iterator[Form] | list[Form]) -> Iterator[Form]:
    for asked in conditions:
        yield asked
        yield from _every(asked.inner())
