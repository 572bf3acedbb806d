"""What every way out of the server must do; a new file among the channels is found and tried by itself."""

import ast
from pathlib import Path

import pytest

from server.messages import channels
from server.messages.channel import Channel, Hopeless
from server.messages.channels import find_channels
from server.relay import parse_relay
from tests.messages.deliveries import NOW, delivery, means

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = Path(channels.__file__).parent

NAMES = sorted(find_channels())


@pytest.fixture(params=NAMES)
def channel(request: pytest.FixtureRequest) -> Channel:
    given = means(relay=parse_relay("smtp://127.0.0.1:9"))
    return find_channels()[request.param](given)


def test_there_is_a_file_for_each_way_out() -> None:
    assert {"email", "webhook"} <= set(NAMES)
    assert sorted(path.stem for path in FOLDER.glob("[!_]*.py")) == NAMES


def test_it_is_known_by_the_name_of_its_file(channel: Channel) -> None:
    assert find_channels()[channel.name] is not None


@pytest.mark.anyio
async def test_content_that_it_cannot_send_is_the_operators_to_see(channel: Channel) -> None:
    outcome = await channel.send(delivery(channel.name, {"unheard": "of"}), NOW)
    assert isinstance(outcome, Hopeless)
    assert outcome.error
    await channel.close()


def test_it_leaves_room_for_more_than_one(channel: Channel) -> None:
    assert 1 <= channel.each <= channel.at_once


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_page_of_the_docs(name: str) -> None:
    assert any(f"`{name}" in path.read_text() for path in DOCS.glob("*.md"))


@pytest.mark.parametrize("name", NAMES)
def test_it_knows_neither_the_store_nor_the_settings(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {
        module for module in imported if module and module.startswith(("server.store", "server.settings"))
    }
