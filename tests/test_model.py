"""The ids that the types make."""

import uuid

from server.ids import new_event_id

NOW = 1_790_000_000_000


def test_the_id_of_an_event_that_came_without_one_is_a_uuid7() -> None:
    made = uuid.UUID(new_event_id(NOW))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW


def test_no_two_events_get_one_id() -> None:
    assert len({new_event_id(NOW) for _ in range(1_000)}) == 1_000
