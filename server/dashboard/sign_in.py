"""Coming in and going out: the sign-in page, one-time links, setting a password, signing out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.dashboard.auth import MIN_PASSWORD, SIGN_IN_PATH, Auth, Session
from server.dashboard.cookies import forget_session, keep_form_token, keep_session
from server.dashboard.door import HOME, form_token, safe_next
from server.dashboard.pages import page
from server.errors import BadRequest, RequestRefused

PASSWORD_PATH = "/dashboard/password"  # noqa: S105 - a path


class SignIn:
    """The routes about the operator's session."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def show(self, request: Request) -> Response:
        """GET /dashboard/sign-in, with ?key= from a one-time link."""
        if key := request.query_params.get("key"):
            return await self._by_link(request, key)
        if request.scope["leadtrail.session"] is not None:
            return RedirectResponse(safe_next(request.query_params.get("next", "")), 303)
        return await self._form(request, request.query_params.get("next", ""))

    async def submit(self, request: Request) -> Response:
        """POST /dashboard/sign-in"""
        form = request.scope["leadtrail.form"]
        wanted = form.get("next") or request.query_params.get("next", "")
        address = request.client.host if request.client else ""
        try:
            session = await self._auth.sign_in(form.get("password", ""), address)
        except RequestRefused as refused:
            response = await self._form(request, wanted, refused)
            if refused.retry_after is not None:
                response.headers["Retry-After"] = str(refused.retry_after)
            return response
        return _enter(request, session, safe_next(wanted))

    async def show_password(self, request: Request) -> Response:
        """GET /dashboard/password"""
        return await self._password_form(request)

    async def set_password(self, request: Request) -> Response:
        """POST /dashboard/password"""
        form = request.scope["leadtrail.form"]
        try:
            if form.get("password", "") != form.get("again", ""):
                raise BadRequest("passwords_differ", "The two passwords differ.", "again")
            session = await self._auth.set_password(form.get("password", ""))
        except RequestRefused as refused:
            return await self._password_form(request, refused)
        return _enter(request, session, HOME)

    async def sign_out(self, request: Request) -> Response:
        """POST /dashboard/logout"""
        await self._auth.sign_out(request.scope["leadtrail.session"].token)
        response = RedirectResponse(SIGN_IN_PATH, 303)
        forget_session(request.scope, response)
        return response

    async def _by_link(self, request: Request, key: str) -> Response:
        # A link checker asks with HEAD, a browser's guess prefetches; neither may use the link up.
        if request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", ""):
            return Response(status_code=204)
        session = await self._auth.sign_in_by_link(key)
        if session is None:
            return page(
                request,
                "message.html",
                410,
                title="This link has been used",
                text="A sign-in link works once and for an hour. Sign in with your password, or restart the"
                " server: it prints a new link.",
                back=SIGN_IN_PATH,
                back_text="Sign in with a password",
            )
        return _enter(request, session, HOME if await self._auth.has_password() else PASSWORD_PATH)

    async def _form(self, request: Request, wanted: str, refused: RequestRefused | None = None) -> Response:
        response = page(
            request,
            "sign_in.html",
            refused.status if refused else 200,
            mistake=refused.message if refused else None,
            next=safe_next(wanted),
            has_password=await self._auth.has_password(),
        )
        keep_form_token(request.scope, response, form_token(request.scope))
        return response

    async def _password_form(self, request: Request, refused: RequestRefused | None = None) -> Response:
        return page(
            request,
            "password.html",
            refused.status if refused else 200,
            mistake=refused.message if refused else None,
            wrong_field=refused.field if refused else None,
            min_password=MIN_PASSWORD,
            has_password=await self._auth.has_password(),
            given=self._auth.password_is_given,
            home=HOME,
        )


def _enter(request: Request, session: Session, path: str) -> Response:
    response = RedirectResponse(path, 303)
    keep_session(request.scope, response, session.token)
    return response
