"""What an engine does for the rooms that hold the statements: reads, and transactions that write."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from server.store.statement import Call

T = TypeVar("T")


class Writing(Protocol):
    """One transaction: committed when its context is left without an error, else rolled back."""

    async def ask(self, call: Call[T]) -> list[T]:
        """The rows that a statement gives."""

    async def run(self, *calls: Call[Any]) -> None:
        """Several statements that give nothing, in their order, for the price of one wait."""

    async def hold(self, person_ids: Collection[int]) -> None:
        """Until the commit nobody else changes these people, nor anything of theirs. What is read after it
        is as it stays.
        """


class Engine(Protocol):
    """An open database."""

    def transaction(self) -> AbstractAsyncContextManager[Writing]: ...

    async def read(self, call: Call[T]) -> list[T]:
        """The rows of one query, outside of any transaction."""

    async def write(self, call: Call[T]) -> list[T]:
        """One statement in a transaction of its own, and what it gives."""
