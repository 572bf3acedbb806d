"""The ways out of the server, one file each; the outbox finds them here by themselves.

A file has `NAME` and `open_channel(means)`, which answers a `messages.channel.Channel`. A message that the
page shows is no channel: it is the answer to the event that won it.
"""

import importlib
import pkgutil
from collections.abc import Callable

from server.messages.channel import Channel, Means


def find_channels() -> dict[str, Callable[[Means], Channel]]:
    """How each channel is opened, by its name."""
    found = (
        importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
    )
    return {module.NAME: module.open_channel for module in found}
