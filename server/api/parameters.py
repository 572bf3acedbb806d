"""What callers of the API give: bodies, page sizes. Each is checked here and refused with its name."""

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from server.errors import BadRequest, TooLarge

MAX_BODY = 256 * 1024
MAX_PER_PAGE = 150
"""As in Intercom's API."""
DEFAULT_PER_PAGE = 50

T = TypeVar("T")


async def read_json(request: Request, shape: type[T]) -> T:
    """The JSON body as a type. Raises BadRequest or TooLarge."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge("body_too_large", f"The body has more than {MAX_BODY} bytes.")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise BadRequest("parameter_invalid", f"The body has a wrong shape: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("bad_request", "The body is not JSON.") from None


def per_page(request: Request) -> int:
    """The query's `per_page`, 1 to 150. Raises BadRequest."""
    text = request.query_params.get("per_page")
    return (
        DEFAULT_PER_PAGE if text is None else page_size(int(text) if re.fullmatch("[0-9]{1,3}", text) else 0)
    )


def page_size(number: int) -> int:
    """The number if it may be a page's size. Raises BadRequest."""
    if not 1 <= number <= MAX_PER_PAGE:
        raise BadRequest(
            "parameter_invalid", f"per_page is a whole number from 1 to {MAX_PER_PAGE}.", "per_page"
        )
    return number
