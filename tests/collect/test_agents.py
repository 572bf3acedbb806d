"""What user agents say."""

import pytest

from server.collect.agents import agent_of

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/16.0 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def test_browser_system_and_device_are_recognised() -> None:
    phone, desktop = agent_of(IPHONE), agent_of(FIREFOX)
    assert (phone.browser, phone.os, phone.device, phone.bot) == ("Mobile Safari", "iOS", "mobile", "")
    assert (desktop.browser, desktop.os, desktop.device) == ("Firefox", "Linux", "desktop")


@pytest.mark.parametrize(
    "crawler",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    ],
)
def test_a_declared_crawler_is_a_bot(crawler: str) -> None:
    assert agent_of(crawler).bot == "crawler"


@pytest.mark.parametrize("plain", ["", "curl/8.0", "x" * 5000, "\x00\xff"])
def test_an_unknown_agent_is_nobodys_bot(plain: str) -> None:
    assert agent_of(plain).bot == ""
