"""What servers say of people, as a store keeps it."""

from typing import Protocol

from server.model import Attribute, Note, Tag, Tagged


class Annotations(Protocol):
    """What servers write about people, and the lists that it is chosen from."""

    async def tags(self) -> list[Tag]:
        """All tags, oldest first."""

    async def tag(self, tag_id: str) -> Tag | None: ...

    async def tag_named(self, name: str) -> Tag | None:
        """The tag of this name, whatever its case."""

    async def add_tag(self, tag: Tag) -> Tag:
        """The tag, or the one that has its name already, now written as this one."""

    async def rename_tag(self, tag_id: str, name: str) -> None:
        """The name must be free. People keep the old one until it is saved with them."""

    async def remove_tag(self, tag_id: str) -> None: ...

    async def people_tagged(self, tag_id: str, *, after: int, limit: int) -> list[int]:
        """Person ids greater than `after`, in order."""

    async def tags_of(self, person_id: int) -> list[Tagged]:
        """Oldest first."""

    async def notes(self, person_id: int, *, limit: int, skip: int) -> tuple[list[Note], int]:
        """Newest first, and how many there are in all."""

    async def note(self, note_id: int) -> Note | None: ...

    async def attributes(self) -> list[Attribute]:
        """All of them, oldest first."""

    async def save_attribute(self, attribute: Attribute) -> bool:
        """False when another one of the model has this name."""
