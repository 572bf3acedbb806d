"""One address of the API: what it takes and gives, which scope it needs, and how a request becomes a call.

The same description routes a request, checks what it sends, and is what `/api/openapi.json` tells.
"""

import enum
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.api.errors import json
from server.errors import BadRequest, Forbidden, TooLarge

MAX_BODY = 256 * 1024


class Scope(enum.Enum):
    """What a token may do."""

    read = "read"
    write = "write"


class Asked(NamedTuple):
    """One call: the request, and what it sends in the types that the endpoint declares."""

    request: Request
    body: Any = None
    query: Any = None

    def path(self, name: str) -> str:
        """A part of the path."""
        part: str = self.request.path_params[name]
        return part


Handler = Callable[[Asked], Awaitable[Any]]


class Endpoint(NamedTuple):
    """One method of one path. `scope` has no default: what forgets to say it cannot be written."""

    method: str
    path: str
    scope: Scope
    handler: Handler
    summary: str
    gives: Any
    """The type of the answer's body; None where it is empty."""
    takes: Any = None
    """The type of the request's JSON body."""
    query: type[Struct] | None = None
    status: int = 200
    native: bool = False
    """Whether Intercom has no such thing."""
    also: str = ""
    """Another media type in which it answers; the handler then makes the response itself."""

    @property
    def name(self) -> str:
        """Unique: `contacts_find` of the method `find` of `Contacts`."""
        owner = type(getattr(self.handler, "__self__", None)).__name__.lower()
        return f"{owner}_{self.handler.__name__}"

    async def answer(self, request: Request) -> Response:
        """Check what the request may and sends, and call the handler. Raises RequestRefused."""
        if self.scope not in request.scope["scopes"]:
            raise Forbidden("forbidden", f"This token may not {self.scope.value}.")
        body = await read_json(request, self.takes) if self.takes is not None else None
        query = read_query(request, self.query) if self.query is not None else None
        given = await self.handler(Asked(request, body, query))
        if isinstance(given, Response):
            # What is no JSON.
            return given
        return Response(status_code=self.status) if given is None else json(given, self.status)


def routes_of(endpoints: Iterable[Endpoint]) -> list[Route]:
    """One route for each path, so that one that is asked by a wrong method names all that it takes."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [Route(path, _answer(methods), methods=list(methods)) for path, methods in by_path.items()]


def _answer(methods: Mapping[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method].answer(request)

    return answer


async def read_json(request: Request, shape: Any) -> Any:
    """The JSON body as a type. Raises BadRequest or TooLarge."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge("body_too_large", f"The body has more than {MAX_BODY} bytes.")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise wrong_shape(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("bad_request", "The body is not JSON.") from None


def read_query(request: Request, shape: type[Struct]) -> Any:
    """The query string as a type. Raises BadRequest with the parameter's name."""
    given = request.query_params
    for name in shape.__struct_fields__:
        if len(given.getlist(name)) > 1:
            raise BadRequest("parameter_invalid", f"`{name}` is given more than once.", name)
    try:
        query = msgspec.convert(dict(given), shape, strict=False)
    except msgspec.ValidationError as error:
        raise wrong_shape(error) from None
    for name in shape.__struct_fields__:
        # The word is no value; who has none leaves the parameter out.
        if name in given and getattr(query, name) is None:
            raise BadRequest("parameter_invalid", f"`{name}` must not be null.", name)
    return query


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _in_words(said: str) -> str:
    """``Expected `int | null`, got `str` `` as JSON has it: `expected a whole number or null, got text`."""

    def words(match: re.Match[str]) -> str:
        return " or ".join(_WORDS.get(part, part) for part in match[1].split(" | "))

    return re.sub(r"`([\w| ]+)`", words, said[:1].lower() + said[1:])


def wrong_shape(error: msgspec.ValidationError) -> BadRequest:
    """What msgspec found, as an error that names the member. Its messages name types and places, never what
    was sent.
    """
    text = str(error)[:200]
    missing = re.search(r"missing required field `(\w+)`", text)
    if missing:
        place = re.search(r"at `\$\.?([^`]*)`", text)
        inside = f"{place[1]}." if place and place[1] else ""
        name = f"{inside}{missing[1]}"
        return BadRequest("parameter_not_found", f"`{name}` is missing.", name)
    found = re.search(r"at `(?:key in )?\$\.?([^`]*)`", text)
    name = (found[1] if found else "")[:64]
    said = _in_words(re.sub(r" - at `[^`]*`", "", text))
    return BadRequest("parameter_invalid", f"`{name}`: {said}." if name else f"{said}.", name or None)
