"""Rules that fall due without a visit: "30 days since the last report", "in the cart, and not bought".

Who is due stands in the store, keyed by the person and found by an index on time; what is not due costs
nothing. Any number of servers may look: an entry is judged under the hold of its person and goes in the same
transaction, so that it fires once.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Collection

import structlog

from server.clock import HOUR, SECOND, Clock
from server.errors import LeadtrailError
from server.model import LANES, Due, due_at
from server.rules.evaluate import matches
from server.rules.reload import Live
from server.rules.rule import Rule
from server.store.base import Arming, Changes, Store
from server.trail.cast import Cast
from server.trail.claims import Claims
from server.trail.memory import Memory
from server.trail.portraits import PEOPLE_A_STEP, highest_need, portray

log = structlog.get_logger()

PAUSE_SECONDS = 0.25
"""Between two lanes: each is looked into every 2 seconds."""

PAUSE_AFTER_FAILURE = 5
"""Seconds; the database may be away."""

MOST_AT_ONCE = 200
"""Entries in one transaction, so that no event waits long behind them."""


POSTPONED = HOUR
"""An entry that breaks is tried again after so many milliseconds."""


class DueRules:
    """Fires what is due, and finds out when new rules are due for the people of before."""

    def __init__(self, store: Store, live: Live, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._stopped = asyncio.Event()
        self._armed: dict[str, str] = {}
        """Of each time rule what it asked when everybody had been asked: then nothing is read again."""

    async def work(self) -> None:
        """Look into one lane after the other, until stopped."""
        # Servers begin at different lanes, so that they seldom wait for each other.
        lane = id(self) // 64 % LANES
        while not self._stopped.is_set():
            pause = PAUSE_SECONDS
            try:
                busy = await self.fire(lane)
                lane = lane if busy else (lane + 1) % LANES
                busy |= await self.arm_new()
            except LeadtrailError as error:
                log.error("due_rules_failed", reason=str(error))  # noqa: TRY400 - foreseen: no traceback
                busy, pause = False, PAUSE_AFTER_FAILURE
            except Exception:
                # Nothing is lost: what is due stays due.
                log.exception("due_rules_broke")
                busy, pause = False, PAUSE_AFTER_FAILURE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 0 if busy else pause)

    def stop(self) -> None:
        """Begin nothing more; what is begun is finished."""
        self._stopped.set()

    async def fire(self, lane: int) -> bool:
        """Decide what is due in a lane; whether there may be more."""
        now = self._clock()
        entries = await self._store.rulings.due(lane, now, MOST_AT_ONCE)
        try:
            await self._settle(entries, now)
        except LeadtrailError:
            raise
        except Exception:
            # One entry that breaks its rule must not keep the others of its lane waiting.
            log.exception("due_entries_broke", entries=len(entries))
            for entry in entries:
                await self._settle_alone(entry, now)
        return len(entries) == MOST_AT_ONCE

    async def _settle_alone(self, entry: Due, now: int) -> None:
        try:
            await self._settle([entry], now)
        except LeadtrailError:
            raise
        except Exception:
            log.exception("due_entry_broke", rule=entry.rule, again_in_seconds=POSTPONED // SECOND)
            key, later = (entry.person_id, entry.rule), due_at(entry.person_id, entry.rule, now + POSTPONED)
            async with self._store.transaction() as transaction:
                await transaction.save(Changes(settled=[key], due=[later]))

    async def _settle(self, entries: Collection[Due], now: int) -> None:
        if not entries:
            return
        config = self._live.current
        async with self._store.transaction() as transaction:
            cast = Cast(transaction)
            owners = await cast.follow({entry.person_id for entry in entries})
            # Another server may have settled it, or an event moved it, before these people were held.
            still = await transaction.due([(entry.person_id, entry.rule) for entry in entries])
            due = [entry for entry in still if entry.at <= now]
            memory, claims = Memory(transaction, now), Claims(transaction, now, config.caps)
            asked: dict[tuple[int, str], Rule] = {}
            for entry in due:
                rule, owner = config.rules.get(entry.rule), owners.get(entry.person_id)
                if rule is not None and owner is not None:
                    asked[owner, entry.rule] = rule
                    memory.want_for(owner, [rule])
            await memory.read()
            await claims.read({owner for owner, _ in asked})
            for (owner, _), rule in asked.items():
                claims.settle(rule, memory.facts(cast.people[owner], None, claims.of(owner)))
            settled = [(entry.person_id, entry.rule) for entry in due]
            await transaction.save(
                Changes(
                    offers=claims.changed,
                    holds=claims.holds,
                    settled=settled,
                    due=claims.due,
                    deliveries=claims.deliveries,
                )
            )

    async def arm_new(self) -> bool:
        """Ask some more of the people of before when rules that are new fall due; whether any were asked."""
        timed = [rule for rule in self._live.current.rules if rule.falls_due and rule.deliver.leaves]
        fresh = [rule for rule in timed if self._armed.get(rule.id) != asking(rule)]
        if not fresh:
            return False
        known = {arming.rule: arming for arming in await self._store.rulings.armings()}
        for rule in fresh:
            arming = known.get(rule.id)
            after = arming.reached if arming is not None and arming.asking == asking(rule) else -1
            if await self._arm_some(rule, after):
                return True
            self._armed[rule.id] = asking(rule)
        return False

    async def _arm_some(self, rule: Rule, after: int) -> bool:
        now = self._clock()
        need = highest_need(rule)
        people = await self._store.rulings.crowd(after=after, limit=PEOPLE_A_STEP, need=need)
        if not people:
            return False
        due = []
        for facts in await portray(self._store.rulings, people, now, rule):
            won = facts.offers.get(rule.id, ())
            if rule.send.may_come_again(won):
                holds = rule.send.allows(won, now) and matches(rule, facts)
                if (at := now if holds else rule.due_at(facts)) is not None:
                    due.append(due_at(facts.person.person_id, rule.id, at))
        if due:
            async with self._store.transaction() as transaction:
                await transaction.save(Changes(due=due))
        await self._store.rulings.set_arming(Arming(rule.id, asking(rule), people[-1].person_id))
        return True


def asking(rule: Rule) -> str:
    """A digest of what decides when the rule falls due."""
    words = repr([sorted(rule.to), rule.when, *(asked.text for asked in rule.conditions())])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
