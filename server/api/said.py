"""What a call says of a person, cleaned: identifiers, attributes, metadata; each refused by its name."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, structs

from server.collect.clean import clean_metadata, clean_traits
from server.errors import BadRequest, EventRejected
from server.identity import Origin
from server.model import Metadata, Person, Role
from server.people.traits import MAX_TRAITS, forget, learn, values_of

Text = str | int | None

MAX_ATTRIBUTES = MAX_TRAITS
"""Custom attributes of one person."""
MAX_SECONDS = 1 << 33
"""The latest time that a call can say: the year 2242. What is later was meant in milliseconds."""


_OWN = frozenset({"email", "name", "user_id", "user_hash", "user_jwt"})
"""What no custom attribute may be named: it is said in a place of its own."""


class Said(Struct, kw_only=True):
    """What may be said of a contact; null takes it away."""

    role: Literal["user", "lead"] | UnsetType | None = UNSET
    external_id: Text | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET
    """The address of a picture."""
    signed_up_at: int | UnsetType | None = UNSET
    last_seen_at: int | UnsetType | None = UNSET
    owner_id: int | UnsetType | None = UNSET
    unsubscribed_from_emails: bool | UnsetType | None = UNSET
    language_override: str | UnsetType | None = UNSET
    custom_attributes: dict[str, Any] | UnsetType | None = UNSET
    """Merged key by key; null takes a key away."""


_PROFILE = ("phone", "avatar", "last_seen_at", "owner_id", "unsubscribed_from_emails", "language_override")
_MAX_PROFILE_TEXT = 1_024


def identifier(name: str, value: str | int | None) -> str | None:
    """A `user_id`, `email` or `name` as it is kept; None where it is none. Raises BadRequest."""
    if value is None or not str(value).strip():
        return None
    try:
        cleaned, _ = clean_traits({name: str(value).strip()})
    except EventRejected as error:
        raise BadRequest("parameter_invalid", error.message, name) from None
    text: str = cleaned[name]
    return text


def attributes(given: dict[str, Any]) -> Metadata:
    """Custom attributes, of the types that metadata has. Raises BadRequest with the attribute's name."""
    if len(given) > MAX_ATTRIBUTES:
        raise BadRequest(
            "custom_data_limit_reached",
            f"A person has at most {MAX_ATTRIBUTES} custom attributes.",
            "custom_attributes",
        )
    for name in _OWN & given.keys():
        raise BadRequest(
            "parameter_invalid", f"`{name}` is no custom attribute.", f"custom_attributes.{name}"
        )
    return {name: _member("custom_attributes", name, value) for name, value in given.items()}


def metadata(given: dict[str, Any], event_name: str) -> Metadata:
    """An event's metadata. Raises BadRequest with the key's name."""
    for name, value in given.items():
        if event_name != "form_error" or name != "fields":
            _member("metadata", name, value)
    try:
        return clean_metadata(given, event_name)
    except EventRejected as error:
        raise BadRequest("parameter_invalid", error.message, "metadata") from None


def _member(group: str, name: str, value: Any) -> Any:
    try:
        clean_metadata({name: value}, "")
    except EventRejected as error:
        shown = name if name.isprintable() else ascii(name)
        raise BadRequest("parameter_invalid", error.message, f"{group}.{shown}"[:120]) from None
    return value


def milliseconds(name: str, seconds: int) -> int:
    """Unix seconds as milliseconds. Raises BadRequest for what is no such time."""
    if not 0 <= seconds <= MAX_SECONDS:
        raise BadRequest("parameter_invalid", f"`{name}` is a time in Unix seconds.", name)
    return seconds * 1_000


def edit_of(said: Said, now: int, *, new: bool = False) -> Callable[[Person], Person]:
    """What is said as a change of a person. Raises BadRequest before anything is changed."""
    traits: Metadata = {}
    for name in ("email", "name"):
        value = getattr(said, name)
        if value is not UNSET:
            traits[name] = identifier(name, value)
    if said.custom_attributes is not UNSET and said.custom_attributes is not None:
        traits |= attributes(said.custom_attributes)
    profile = _profile(said)
    changes: dict[str, Any] = {}
    if said.external_id is not UNSET:
        changes["user_id"] = identifier_of("external_id", said.external_id)
    if said.signed_up_at is not UNSET and said.signed_up_at is not None:
        changes["became_user"] = milliseconds("signed_up_at", said.signed_up_at)

    def edit(person: Person) -> Person:
        after = structs.replace(person, **changes, profile=merged_members(person.profile, profile))
        after = with_traits(after, traits, now)
        role = _role(said, person, after, new=new)
        if role < person.role:
            raise BadRequest("parameter_invalid", "A user does not become a lead again.", "role")
        came = {"became_lead": now} if role is Role.lead else {"became_user": after.became_user or now}
        return structs.replace(
            after,
            role=role,
            verified=person.verified or role is Role.user,
            **(came if role > person.role else {}),
        )

    return edit


def identifier_of(name: str, value: Text) -> str | None:
    """A `user_id` under the name that the call has for it. Raises BadRequest."""
    try:
        return identifier("user_id", value)
    except BadRequest as error:
        raise BadRequest(error.code, error.message, name) from None


def with_traits(person: Person, traits: Metadata, now: int) -> Person:
    """The person with these traits; None takes one away. Raises BadRequest when they are too many."""
    told = {name: value for name, value in traits.items() if value is not None}
    after = learn(forget(person, traits.keys() - told.keys()), told, now, "", dict.fromkeys(told, Origin.api))
    if not told.keys() <= values_of(after).keys():
        raise BadRequest(
            "custom_data_limit_reached",
            f"A person has at most {MAX_TRAITS} attributes.",
            "custom_attributes",
        )
    return after


def merged_members(before: Metadata, changes: Metadata) -> Metadata:
    """Members merged key by key; None takes one away."""
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


def _profile(said: Said) -> Metadata:
    profile: Metadata = {}
    for name in _PROFILE:
        value = getattr(said, name)
        if value is UNSET:
            continue
        if isinstance(value, str) and (len(value) > _MAX_PROFILE_TEXT or not value.isprintable()):
            raise BadRequest(
                "parameter_invalid", f"`{name}` is text of at most {_MAX_PROFILE_TEXT} characters.", name
            )
        if name == "last_seen_at" and value is not None:
            milliseconds(name, value)
        profile[name] = value or None
    return profile


def _role(said: Said, before: Person, after: Person, *, new: bool) -> Role:
    if said.role:
        return Role[said.role]
    # As Intercom: whoever a server makes by an e-mail alone is a user.
    if after.user_id is not None or new:
        return Role.user
    return max(Role(before.role), Role.lead) if said.email else Role(before.role)
