"""Which pages a rule means: one page, a glob, or a regular expression by RE2; and which hosts.

Page patterns are compared with a page's identity (people.page): a path without query and without trailing
slash.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import quote

import re2

from server.people.page import page_path

# One character of a normalised path is itself or, beyond ASCII, the escapes of its UTF-8 bytes.
_CHARACTER = (
    "(?:[^%]|%[0-7][0-9A-F]|%[CD][0-9A-F]%[89AB][0-9A-F]"
    "|%E[0-9A-F](?:%[89AB][0-9A-F]){2}|%F[0-7](?:%[89AB][0-9A-F]){3})"
)
_ANY_CHARACTER = "\ue000"
_WILDCARD = re.compile(r"[*?]")
_WILDCARD_IN_PATH = re.compile(rf"([*]|{quote(_ANY_CHARACTER)})")


class PagePattern:
    """What stands behind `viewed:` and `page:`."""

    __slots__ = ("_is_prefix", "_prefix", "_regex", "exact", "expression", "text")

    def __init__(self, text: str, exact: str | None, expression: str | None, prefix: str = "") -> None:
        self.text = text
        self._prefix = prefix
        """What every page that matches begins with: most others are told by it alone."""
        self.exact = exact
        """The one page that it names, or None for a pattern."""
        self.expression = expression
        """The RE2 expression of a pattern, to be searched for in a path."""
        self._regex = None if expression is None else _compile(expression)
        self._is_prefix = expression == f"^{re2.escape(prefix)}.*$"

    def matches(self, path: str) -> bool:
        if self._regex is None:
            return path == self.exact
        return path.startswith(self._prefix) and (self._is_prefix or self._regex.search(path) is not None)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"PagePattern({self.text!r})"


def parse_page(text: str) -> PagePattern:
    """`/pricing`, `/docs/*` (`*` is any text, slashes too; `?` is one character) or `re:^/docs/v[0-9]+/`.

    Raises ValueError for what can be no page.
    """
    if text.startswith("re:"):
        return PagePattern(text, None, _checked(text.removeprefix("re:")))
    if ("://" in text and not text.startswith("/")) or text.startswith("//"):
        raise ValueError(f"A page is a path without its host: write '{_path_of(text)}'.")
    if not text.startswith(("/", "*")):
        raise ValueError(f"A page begins with '/': write '/{text.lstrip('./')}', or 're:' and a regex.")
    if re.search(r"\?[^/?*]*=", text):
        raise ValueError(f"A page has no query: write '{text.partition('?')[0]}'.")
    if not _WILDCARD.search(text):
        return PagePattern(text, page_path(text, True), None)
    return PagePattern(text, None, *_glob(text))


def any_of(patterns: Sequence[PagePattern], max_memory: int = 64 << 20) -> Callable[[str], bool]:
    """Whether a path may match one of these patterns, by one expression for all; if too large, True."""
    expressions = [pattern.expression for pattern in patterns if pattern.expression is not None]
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_memory
    try:
        regex = re2.compile("|".join(f"(?:{expression})" for expression in expressions), options)
    except re2.error:
        return lambda path: True
    return lambda path: regex.search(path) is not None


class HostPattern:
    """What stands behind `referrer:`."""

    __slots__ = ("_regex", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._regex = _compile(f"^{'.*'.join(re2.escape(part) for part in text.split('*'))}$")

    def matches(self, host: str) -> bool:
        return bool(host) and self._regex.search(host) is not None

    def __str__(self) -> str:
        return self.text


def parse_host(text: str) -> HostPattern:
    """`news.example.com`, or with `*` for any text. Raises ValueError for anything but a host."""
    host = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9.*_-]+", host):
        bare = re.sub(r"^[a-z]+://", "", host).split("/")[0].split(":")[0]
        example = bare if re.fullmatch(r"[a-z0-9.*_-]+", bare) else "*.example.com"
        raise ValueError(f"A referrer is named by its host alone: write '{example}'.")
    return HostPattern(host)


def _path_of(url: str) -> str:
    rest = url.partition("//")[2]
    return "/" + rest.partition("/")[2].partition("?")[0]


def _glob(text: str) -> tuple[str, str]:
    """The expression of a glob, and the text before its first wildcard."""
    # `*` survives the normalisation as it is; `?` would begin a query, so another character stands in for it.
    path = page_path(text.replace("?", _ANY_CHARACTER), True)
    parts = _WILDCARD_IN_PATH.split(path)
    translated = {"*": ".*", quote(_ANY_CHARACTER): _CHARACTER}
    return f"^{''.join(translated.get(part) or re2.escape(part) for part in parts)}$", parts[0]


def _checked(expression: str) -> str:
    if not expression:
        raise ValueError("'re:' needs a regex behind it, such as 're:^/docs/v[0-9]+/'.")
    _compile(expression)
    return expression


@lru_cache(maxsize=4_096)
def _compile(expression: str) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(f"This regex is none that RE2 can read ({reason[:80]}).") from None
