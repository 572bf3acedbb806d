"""Errors in the API's shape, Intercom's `error.list`: the one place that maps an error to its answer."""

import uuid

import structlog
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.responses import Response

from server.errors import LeadtrailError, RequestRefused, StoreFull, StoreUnavailable
from server.model import encode_json

log = structlog.get_logger()


def json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of the API."""
    return Response(encode_json(content), status, headers, "application/json")


class ErrorItem(Struct, omit_defaults=True):
    code: str
    message: str | None = None
    field: str | None = None
    """The parameter that is wrong."""


class ErrorList(Struct, kw_only=True, tag_field="type", tag="error.list"):
    """What every failure is answered."""

    request_id: str
    errors: list[ErrorItem]


def error_list(status: int, code: str, message: str, field: str | None = None, **headers: str) -> Response:
    """`{"type":"error.list","request_id":…,"errors":[{code, message, field}]}`"""
    content = ErrorList(request_id=str(uuid.uuid4()), errors=[ErrorItem(code, message, field)])
    return json(content, status, {name.replace("_", "-"): value for name, value in headers.items()})


def answer_to(error: Exception) -> Response:
    """What a request is answered that ended in this error."""
    if isinstance(error, RequestRefused):
        headers = {} if error.retry_after is None else {"retry_after": str(error.retry_after)}
        if error.status == 401:
            headers["www_authenticate"] = 'Bearer realm="leadtrail"'
        return error_list(error.status, error.code, error.message, error.field, **headers)
    if isinstance(error, HTTPException):
        # The router's own: the path exists, not under this method.
        code = error.detail.lower().replace(" ", "_")
        return error_list(error.status_code, code, error.detail, **dict(error.headers or {}))
    if isinstance(error, StoreFull):
        return error_list(507, "disk_full", "The server's disk is full.", retry_after="60")
    if isinstance(error, StoreUnavailable):
        return error_list(
            503, "service_unavailable", "The database does not answer. Try again.", retry_after="5"
        )
    log.error("api_request_broke", exc_info=error, known=isinstance(error, LeadtrailError))
    return error_list(500, "server_error", "The server could not answer; its log says why.")
