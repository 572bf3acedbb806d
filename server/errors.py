"""Everything that can go wrong, as one tree. Each error carries its evidence; web errors also their status.

LeadtrailError
  RequestRefused          a whole request is refused; nothing of it was stored
    BadRequest 400        not JSON, or of the wrong shape
    Unauthorized 401      no valid API token
    Forbidden 403         the origin is not allowed for the site
    NotFound 404          no such site, person or rule
    Conflict 409          somebody else is known by that already
    TooLarge 413          the body is over its limit
    UnsupportedEncoding 415
    Unprocessable 422     what is asked for cannot be done with this person
    TooManyRequests 429   over a rate limit; carries retry_after
    InternalError 500     a defect of ours
    Busy 503              the inbox is full or the database away; carries retry_after
    DiskFull 507
  EventRejected           one event of a batch is refused, the others go on
  SettingsError           the environment is wrong; carries every mistake
  ConfigError             leadtrail.yaml is wrong; carries every mistake with line and column
  StoreError              the database cannot be used
    StoreInUse            another server holds the file
    StoreTooNew           a newer program has migrated it
    StoreDamaged          it is no intact database
    StoreUnavailable      it does not answer now; try again
      StoreInterrupted    the transaction was cut off; it is right to repeat it at once
    StoreFull             the disk is full
"""

from typing import NamedTuple


class LeadtrailError(Exception):
    """The root; `str()` says what, where and what to do."""


class RequestRefused(LeadtrailError):
    """A request that is refused whole. `code` is stable and documented, `field` names the culprit."""

    status = 400

    def __init__(
        self, code: str, message: str, field: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after = retry_after


class BadRequest(RequestRefused):
    status = 400


class Unauthorized(RequestRefused):
    status = 401


class Forbidden(RequestRefused):
    status = 403


class NotFound(RequestRefused):
    status = 404


class Conflict(RequestRefused):
    status = 409


class TooLarge(RequestRefused):
    status = 413


class UnsupportedEncoding(RequestRefused):
    status = 415


class Unprocessable(RequestRefused):
    status = 422


class TooManyRequests(RequestRefused):
    status = 429


class InternalError(RequestRefused):
    status = 500


class Busy(RequestRefused):
    status = 503


class DiskFull(RequestRefused):
    status = 507


class EventRejected(LeadtrailError):
    """One event that cannot be taken. `code` is one of those in docs/http-api.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SettingsError(LeadtrailError):
    """The environment's mistakes, all of them, a line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Mistake(NamedTuple):
    """One mistake in the YAML file. Lines and columns count from 1."""

    line: int
    column: int
    message: str


class ConfigError(LeadtrailError):
    """The YAML file's mistakes, all of them, as `leadtrail.yaml:12:9: message`."""

    def __init__(self, filename: str, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(f"{filename}:{m.line}:{m.column}: {m.message}" for m in mistakes))
        self.filename = filename
        self.mistakes = mistakes


class StoreError(LeadtrailError):
    pass


class StoreInUse(StoreError):
    pass


class StoreTooNew(StoreError):
    pass


class StoreDamaged(StoreError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreInterrupted(StoreUnavailable):
    pass


class StoreFull(StoreError):
    pass
