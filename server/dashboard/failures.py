"""Errors as pages: the one place where the dashboard maps an error to its answer."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.dashboard.door import HOME
from server.dashboard.pages import page
from server.errors import LeadtrailError, RequestRefused, StoreError

log = structlog.get_logger()


def error_page(request: Request, error: Exception) -> Response:
    """What a request is answered that ended in this error."""
    request.scope.setdefault("leadtrail.session", None)
    if isinstance(error, RequestRefused):
        title = "Nothing is here" if error.status == 404 else "That did not work"
        return _page(request, error.status, title, error.message)
    if isinstance(error, HTTPException):
        return _page(request, error.status_code, error.detail, "This address is not used in that way.")
    log.error("dashboard_request_broke", exc_info=error, known=isinstance(error, LeadtrailError))
    if isinstance(error, StoreError):
        return _page(request, 503, "The database does not answer", "Nothing is lost. Try again in a moment.")
    return _page(
        request, 500, "Something broke here", "The server's log says what. Your data is not touched."
    )


def _page(request: Request, status: int, title: str, text: str) -> Response:
    return page(
        request, "message.html", status, title=title, text=text, back=HOME, back_text="Back to people"
    )
