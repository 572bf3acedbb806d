"""People in Intercom's shapes (REST API 2.14), and times as the API writes them. Pure.

A contact or visitor has every member that Intercom's has; what Leadtrail does not know is null or empty.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct, field

from server.clock import SECOND
from server.ids import public_id
from server.model import Person, Role
from server.people.matching import created, last_seen, updated

LISTED = 10
"""How many tags a contact carries itself, as in Intercom's API."""


class Reference(Struct):
    """What a contact carries of a thing of its own."""

    type: str
    id: str
    url: str


class References(Struct, kw_only=True):
    """The first of a contact's things of one kind, and where all are."""

    type: Literal["list"] = "list"
    data: list[Reference] = field(default_factory=list)
    url: str
    total_count: int = 0
    has_more: bool = False


class Nothing(Struct):
    """A list that Leadtrail never fills."""

    type: Literal["list"] = "list"
    data: list[dict[str, Any]] = field(default_factory=list)


class Location(Struct):
    type: Literal["location"] = "location"
    country: str | None = None
    region: str | None = None
    city: str | None = None
    country_code: str | None = None
    continent_code: str | None = None


class Avatar(Struct):
    image_url: str | None = None
    type: Literal["avatar"] = "avatar"


class Contact(Struct, kw_only=True):
    """A person. Times are Unix seconds."""

    type: Literal["contact"] = "contact"
    id: str
    workspace_id: str
    """The site's key."""
    external_id: str | None
    """The `user_id`."""
    role: Literal["visitor", "lead", "user"]
    email: str | None
    verified: bool
    """Whether the person was proved to be who they are. Not Intercom's."""
    phone: str | None
    name: str | None
    avatar: Avatar | None
    owner_id: int | None
    social_profiles: Nothing = field(default_factory=Nothing)
    has_hard_bounced: bool = False
    marked_email_as_spam: bool = False
    unsubscribed_from_emails: bool
    created_at: int
    updated_at: int
    signed_up_at: int | None
    last_seen_at: int | None
    last_replied_at: int | None = None
    last_contacted_at: int | None = None
    last_email_opened_at: int | None = None
    last_email_clicked_at: int | None = None
    language_override: str | None
    browser: str | None
    browser_version: str | None = None
    browser_language: str | None
    os: str | None
    location: Location
    android_app_name: str | None = None
    android_app_version: str | None = None
    android_device: str | None = None
    android_os_version: str | None = None
    android_sdk_version: str | None = None
    android_last_seen_at: int | None = None
    ios_app_name: str | None = None
    ios_app_version: str | None = None
    ios_device: str | None = None
    ios_os_version: str | None = None
    ios_sdk_version: str | None = None
    ios_last_seen_at: int | None = None
    enabled_push_messaging: bool | None = None
    custom_attributes: dict[str, Any]
    tags: References
    notes: References
    companies: References
    opted_out_subscription_types: References
    opted_in_subscription_types: References
    referrer: str | None
    utm_campaign: str | None
    utm_content: str | None
    utm_medium: str | None
    utm_source: str | None
    utm_term: str | None


class NextPage(Struct):
    page: int
    starting_after: str


class Pages(Struct, kw_only=True):
    type: Literal["pages"] = "pages"
    page: int
    next: NextPage | None = None
    per_page: int
    total_pages: int


class ContactList(Struct, kw_only=True):
    type: Literal["list"] = "list"
    data: list[Contact]
    total_count: int
    pages: Pages


class ContactState(Struct, kw_only=True, omit_defaults=True):
    """What became of a contact."""

    type: str = field(default_factory=lambda: "contact")
    id: str
    external_id: str | None
    archived: bool | None = None
    deleted: bool | None = None
    blocked: bool | None = None


class VisitorAvatar(Struct):
    type: Literal["avatar"] = "avatar"
    image_url: str | None = None


class Companies(Struct):
    type: Literal["company.list"] = "company.list"
    companies: list[dict[str, Any]] = field(default_factory=list)


class SocialProfiles(Struct):
    type: Literal["social_profile.list"] = "social_profile.list"
    social_profiles: list[dict[str, Any]] = field(default_factory=list)


class VisitorTag(Struct):
    id: str
    name: str
    type: Literal["tag"] = "tag"


class VisitorTags(Struct):
    tags: list[VisitorTag] = field(default_factory=list)
    type: Literal["tag.list"] = "tag.list"


class Segments(Struct):
    type: Literal["segment.list"] = "segment.list"
    segments: list[dict[str, Any]] = field(default_factory=list)


class Visitor(Struct, kw_only=True):
    """Somebody anonymous. Times are Unix seconds."""

    type: Literal["visitor"] = "visitor"
    id: str
    user_id: str
    """What `getVisitorId` gives in the browser."""
    anonymous: Literal[True] = True
    email: str = ""
    phone: str | None
    name: str | None
    pseudonym: str | None = None
    avatar: VisitorAvatar = field(default_factory=VisitorAvatar)
    app_id: str
    companies: Companies = field(default_factory=Companies)
    location_data: dict[str, Any] = field(default_factory=dict)
    last_request_at: int | None
    las_request_at: int | None
    """As Intercom's schema spells it, and so its clients."""
    created_at: int
    remote_created_at: int | None = None
    signed_up_at: int | None = None
    updated_at: int
    session_count: int
    social_profiles: SocialProfiles = field(default_factory=SocialProfiles)
    owner_id: str | None = None
    unsubscribed_from_emails: bool = False
    marked_email_as_spam: bool = False
    has_hard_bounced: bool = False
    tags: VisitorTags
    segments: Segments = field(default_factory=Segments)
    custom_attributes: dict[str, Any]
    referrer: str | None
    utm_campaign: str | None
    utm_content: str | None
    utm_medium: str | None
    utm_source: str | None
    utm_term: str | None
    do_not_track: bool | None = None


def contact(person: Person, notes: int = 0) -> Contact:
    """A contact; `notes` is how many notes there are."""
    ident = public_id(person.person_id)
    own = f"/contacts/{ident}"
    profile = person.profile
    seen = last_seen(person)
    image = profile.get("avatar")
    return Contact(
        id=ident,
        workspace_id=person.site,
        external_id=person.user_id,
        role=Role(person.role).name,  # type: ignore[arg-type]
        email=person.email,
        verified=person.verified,
        phone=profile.get("phone"),
        name=person.name,
        avatar=Avatar(image) if image else None,
        owner_id=profile.get("owner_id"),
        unsubscribed_from_emails=bool(profile.get("unsubscribed_from_emails")),
        created_at=created(person) // SECOND,
        updated_at=updated(person) // SECOND,
        signed_up_at=None if person.became_user is None else person.became_user // SECOND,
        last_seen_at=profile.get("last_seen_at") if seen is None else seen // SECOND,
        language_override=profile.get("language_override"),
        browser=person.browser or None,
        browser_language=person.language or None,
        os=person.os or None,
        location=Location(country_code=person.country or None),
        custom_attributes=person.traits,
        tags=References(
            url=f"{own}/tags",
            data=[Reference("tag", tag, f"/tags/{tag}") for tag in list(person.tags)[:LISTED]],
            total_count=len(person.tags),
            has_more=len(person.tags) > LISTED,
        ),
        notes=References(url=f"{own}/notes", total_count=notes, has_more=notes > 0),
        companies=References(url=f"{own}/companies"),
        opted_out_subscription_types=References(url=f"{own}/subscriptions"),
        opted_in_subscription_types=References(url=f"{own}/subscriptions"),
        referrer=person.referrer or None,
        utm_campaign=person.utm.get("campaign"),
        utm_content=person.utm.get("content"),
        utm_medium=person.utm.get("medium"),
        utm_source=person.utm.get("source"),
        utm_term=person.utm.get("term"),
    )


def visitor(person: Person) -> Visitor:
    """A visitor."""
    seen = last_seen(person)
    return Visitor(
        id=public_id(person.person_id),
        user_id=person.visitor,
        phone=person.profile.get("phone"),
        name=person.name,
        app_id=person.site,
        last_request_at=None if seen is None else seen // SECOND,
        las_request_at=None if seen is None else seen // SECOND,
        created_at=created(person) // SECOND,
        updated_at=updated(person) // SECOND,
        session_count=person.sessions,
        tags=VisitorTags([VisitorTag(tag, name) for tag, name in person.tags.items()]),
        custom_attributes=person.traits,
        referrer=person.referrer or None,
        utm_campaign=person.utm.get("campaign"),
        utm_content=person.utm.get("content"),
        utm_medium=person.utm.get("medium"),
        utm_source=person.utm.get("source"),
        utm_term=person.utm.get("term"),
    )


def contact_reference(person: Person) -> dict[str, str]:
    """A contact by id and role only."""
    return {"type": "contact", "id": public_id(person.person_id), "role": Role(person.role).name}


def state(person: Person) -> ContactState:
    """A contact of which what became is still to be said."""
    return ContactState(id=public_id(person.person_id), external_id=person.user_id)


def iso(ms: int) -> str:
    """`2026-11-23T10:00:00+00:00`"""
    return datetime.fromtimestamp(ms // SECOND, UTC).isoformat()
