"""People in Intercom's shapes (REST API 2.14), and times as the API writes them. Pure."""

from datetime import UTC, datetime
from typing import Any

from server.clock import SECOND
from server.model import Person, Role, public_id


def contact(person: Person) -> dict[str, Any]:
    """A contact with every member of Intercom's; unknown ones are null or empty. Times in seconds."""
    own = f"/contacts/{public_id(person.person_id)}"
    last_seen = person.last_seen // SECOND
    return {
        "type": "contact",
        "id": public_id(person.person_id),
        "workspace_id": person.site,
        "external_id": person.user_id,
        "role": Role(person.role).name,
        "email": person.email,
        "verified": person.verified,
        "phone": None,
        "name": person.name,
        "avatar": None,
        "owner_id": None,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": False,
        "created_at": person.first_seen // SECOND,
        "updated_at": last_seen,
        "signed_up_at": None if person.became_user is None else person.became_user // SECOND,
        "last_seen_at": last_seen,
        "last_replied_at": None,
        "last_contacted_at": None,
        "last_email_opened_at": None,
        "last_email_clicked_at": None,
        "language_override": None,
        "browser": person.browser or None,
        "browser_version": None,
        "browser_language": person.language or None,
        "os": person.os or None,
        "location": {
            "type": "location",
            "country": None,
            "region": None,
            "city": None,
            "country_code": person.country or None,
            "continent_code": None,
        },
        "custom_attributes": person.traits,
        "tags": _empty(f"{own}/tags"),
        "notes": _empty(f"{own}/notes"),
        "companies": _empty(f"{own}/companies"),
        "opted_out_subscription_types": _empty(f"{own}/subscriptions"),
        "opted_in_subscription_types": _empty(f"{own}/subscriptions"),
        "referrer": person.referrer or None,
        **{
            f"utm_{name}": person.utm.get(name)
            for name in ("campaign", "content", "medium", "source", "term")
        },
    }


def contact_reference(person: Person) -> dict[str, str]:
    """A contact by id and role only."""
    return {"type": "contact", "id": public_id(person.person_id), "role": Role(person.role).name}


def iso(ms: int) -> str:
    """`2026-11-23T10:00:00+00:00`"""
    return datetime.fromtimestamp(ms // SECOND, UTC).isoformat()


def _empty(url: str) -> dict[str, Any]:
    return {"type": "list", "data": [], "url": url, "total_count": 0, "has_more": False}
