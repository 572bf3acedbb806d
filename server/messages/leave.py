"""What leaves the server by webhook and e-mail: each delivery whole and rendered, so that every try sends the
same. Pure; sending is the outbox's.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from server.clock import SECOND
from server.ids import new_delivery_id, public_id
from server.messages.render import render
from server.model import Delivery, Metadata, Person, Role
from server.rules.evaluate import explain
from server.rules.facts import Facts
from server.rules.rule import Rule

MAX_SUBJECT = 200
MAX_EMAIL_BODY = 20_000
MAX_LABEL = 80


def deliveries(rule: Rule, facts: Facts, ways: Collection[str], nth: int) -> list[Delivery]:
    """The rule's message for this person by each of the ways that leave the server."""
    contents = {}
    if "webhook" in ways and rule.deliver.webhook is not None:
        contents["webhook"] = _webhook(rule, facts, nth)
    if "email" in ways and rule.deliver.email is not None:
        contents["email"] = _email(rule, facts)
    return [
        Delivery(
            person_id=facts.person.person_id,
            id=new_delivery_id(facts.now),
            site=facts.person.site,
            rule=rule.id,
            nth=nth,
            channel=channel,
            made=facts.now,
            due=facts.now,
            content=content,
        )
        for channel, content in contents.items()
    ]


def _webhook(rule: Rule, facts: Facts, nth: int) -> Metadata:
    """The match, with its why: the person, the event if one caused it, and each condition with its value."""
    hook = rule.deliver.webhook
    assert hook is not None
    data: dict[str, Any] = {
        "rule": rule.id,
        "nth": nth,
        "site": facts.person.site,
        "at": _iso(facts.now),
        "contact": _contact(facts.person),
        "conditions": [
            {"text": found.text, "value": found.value, "holds": found.holds} for found in explain(rule, facts)
        ],
    }
    if event := facts.event:
        data["event"] = {
            "id": event.id,
            "event_name": event.name,
            "created_at": event.at // SECOND,
            "url": event.url,
            "path": event.path,
            "title": event.title,
            "metadata": event.metadata,
        }
    content: Metadata = {"url": hook.url, "data": data}
    if hook.secret_env is not None:
        content["secret_env"] = hook.secret_env
    return content


def _contact(person: Person) -> dict[str, Any]:
    return {
        "id": public_id(person.person_id),
        "external_id": person.user_id,
        "role": Role(person.role).name,
        "email": person.email,
        "name": person.name,
        "verified": person.verified,
        "custom_attributes": person.traits,
        "first_seen": _iso(person.first_seen),
        "last_seen": _iso(person.last_seen),
    }


def _email(rule: Rule, facts: Facts) -> Metadata:
    """What goes to the person's own address, so it may name all that is known of them."""
    email, person = rule.deliver.email, facts.person
    assert email is not None
    traits = {"email": person.email, "name": person.name, "user_id": person.user_id, **person.traits}
    content: Metadata = {
        "to": person.email,
        "subject": " ".join(render(email.subject, traits, MAX_SUBJECT).split()),
        "body": render(email.body, traits, MAX_EMAIL_BODY),
        "verified": person.verified,
    }
    if email.to_unverified:
        content["to_unverified"] = True
    if email.button is not None:
        label = render(email.button.label, traits, MAX_LABEL)
        content["button"] = {"label": label, "url": email.button.url}
    if email.sender is not None:
        content["from"] = email.sender.model_dump(exclude_none=True)
    if email.reply_to is not None:
        content["reply_to"] = email.reply_to
    if person.language:
        content["language"] = person.language
    return content


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // SECOND, UTC).isoformat()
