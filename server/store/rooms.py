"""The rooms of a store, the same on every engine. A new one is added here and in `base.Store`."""

from server.store.annotations import SqlAnnotations
from server.store.base import Annotations, Fleet, Forms, Operators, Outbox, Reads, Rulings
from server.store.engine import Engine
from server.store.fleet import SqlFleet
from server.store.forms import SqlForms
from server.store.ingest import SqlTransaction
from server.store.merging import FORGET_MERGES
from server.store.operators import SqlOperators
from server.store.outbox import SqlOutbox
from server.store.reads import SqlReads
from server.store.rulings import SqlRulings


class Rooms:
    """What the stores of all engines have in common."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.reads: Reads = SqlReads(engine)
        self.annotations: Annotations = SqlAnnotations(engine)
        self.operators: Operators = SqlOperators(engine)
        self.outbox: Outbox = SqlOutbox(engine)
        self.forms: Forms = SqlForms(engine)
        self.rulings: Rulings = SqlRulings(engine)
        self.fleet: Fleet = SqlFleet(engine)

    async def forget_merges(self, before: int) -> None:
        await self.engine.write(FORGET_MERGES(before))

    def tell(self, transaction: SqlTransaction) -> None:
        """Wake who waits for what an ingest transaction has committed."""
        if transaction.delivers:
            self.outbox.news.add(transaction.delivers)
