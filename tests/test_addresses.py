"""Where a webhook may go, in every notation that a resolver understands."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.addresses import Target, address_of, allowed, is_public, may_dial, parse_target

PRIVATE = [
    "http://localhost.example@127.0.0.1/",
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７。０。０。１/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.8/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[fec0::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
]

NO_HOOK = [
    "",
    "hook.example/x",
    "//hook.example/x",
    "ftp://hook.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "https://",
    "https://user:password@hook.example/",
    "https://hook.example\\@127.0.0.1/",
    "https://hook.example/a b",
    "https://hook.example/\r\nX-Injected: 1",
    "https://hook.example:22/",
    "https://hook.example:25/",
    "https://hook.example:99999/",
    "https://hook.example/caf\xe9",
    "https://[hook.example/",
    "https://" + "a" * 300 + ".example/",
    "https://hook.example/" + "a" * 2_048,
]

PUBLIC = [
    "https://crm.example.com/hook?a=1&b=2",
    "http://93.184.215.14:8080/",
    "https://[2a00:1450:4001:81a::200e]/",
    "https://hook.example:443",
    "HTTPS://Hook.Example:8443/Path",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_is_refused_in_every_notation(url: str) -> None:
    with pytest.raises(ValueError):
        parse_target(url)


@pytest.mark.parametrize("url", NO_HOOK)
def test_what_is_no_webhooks_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        parse_target(url)


@pytest.mark.parametrize("url", PUBLIC)
def test_a_public_address_is_not(url: str) -> None:
    parse_target(url)


def test_a_url_is_taken_apart_once() -> None:
    assert parse_target("https://Crm.Example.com/hook?a=1#part") == Target(
        "https", "crm.example.com", 443, "/hook?a=1"
    )
    assert parse_target("http://b\xfccher.example") == Target("http", "xn--bcher-kva.example", 80, "/")
    assert parse_target("https://[2A00::1]:8443/").origin == "https://[2a00::1]:8443"
    assert parse_target("https://crm.example.com:443/").origin == "https://crm.example.com"


@pytest.mark.parametrize(
    ("let", "url"),
    [
        (["127.0.0.1"], "http://127.0.0.1:9/"),
        (["127.0.0.1:8080"], "http://127.0.0.1:8080/"),
        (["127.0.0.0/8"], "http://2130706433/"),
        (["[::1]:8080"], "http://[::1]:8080/"),
        (["crm.internal:25"], "http://CRM.internal:25/"),
    ],
)
def test_the_server_lets_through_what_its_settings_name(let: list[str], url: str) -> None:
    parse_target(url, allowed(let))


@pytest.mark.parametrize(
    ("let", "url"),
    [
        (["127.0.0.1:8080"], "http://127.0.0.1:8081/"),
        (["10.0.0.0/8"], "http://127.0.0.1/"),
        (["localhost"], "http://127.0.0.1/"),
    ],
)
def test_and_nothing_else(let: list[str], url: str) -> None:
    with pytest.raises(ValueError, match="LEADTRAIL_WEBHOOK_ALLOW=127"):
        parse_target(url, allowed(let))


def test_a_name_is_let_through_wherever_it_leads() -> None:
    target = parse_target("https://crm.internal/hook")
    private = ipaddress.ip_address("10.1.2.3")
    assert not may_dial(target, private, allowed([]))
    assert may_dial(target, private, allowed(["crm.internal"]))
    assert may_dial(target, private, allowed(["crm.internal:443"]))
    assert may_dial(target, private, allowed(["10.0.0.0/8"]))
    assert may_dial(target, private, allowed(["10.1.2.3:443"]))
    assert not may_dial(target, private, allowed(["crm.internal:8443", "10.1.2.3:80", "192.168.0.0/16"]))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_hexadecimal_is_the_same_address(address: ipaddress.IPv4Address) -> None:
    assert address_of(hex(int(address))) == address_of(str(int(address))) == address
