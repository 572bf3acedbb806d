"""Templates become answers. Everything is escaped; a name that a template misspells is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from server.dashboard.door import form_token

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """The template as an answer; `csrf`, `signed_in` and `mistakes` (of
    leadtrail.yaml) are known to all of them."""
    session = request.scope.get("leadtrail.session")
    mistakes = request.scope.get("leadtrail.mistakes", ())
    common = {"csrf": form_token(request.scope), "signed_in": session is not None, "mistakes": mistakes}
    shown = {**common, **shown}
    return HTMLResponse(_TEMPLATES.get_template(template).render(shown), status)
