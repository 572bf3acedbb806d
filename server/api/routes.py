"""The API's addresses, read from top to bottom: what each takes and gives, and the scope that it needs."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from server.api.admins import Admins, Me
from server.api.attributes import (
    AttributeList,
    Attributes,
    AttributeShape,
    ChangedAttribute,
    NewAttribute,
    WhichAttributes,
)
from server.api.contacts import Contacts, Listed, Merge, OfSite, Search
from server.api.data import Data, ExportShape, MergeList, MergeShape, WhichForm
from server.api.deliveries import Deliveries, DeliveryList, DeliveryShape, Discarded, WhichDeliveries
from server.api.door import Door
from server.api.endpoint import Endpoint, Scope, routes_of
from server.api.events import (
    EventList,
    Events,
    EventSummaries,
    NewEvent,
    NewSummaries,
    WhoseEvents,
)
from server.api.history import Histories, HistoryShape, WhichPart
from server.api.messages import Messages, MessageShape, NewMessage
from server.api.notes import NewNote, NoteList, Notes, NoteShape, NotesPage
from server.api.openapi import describe
from server.api.rules import Backtest, BacktestShape, Explanation, RuleList, Rules, WhichPerson
from server.api.said import Said
from server.api.segments import Segments, WhichMembers
from server.api.shapes import Contact, ContactList, ContactState, Visitor
from server.api.tags import NewTag, TagId, TagList, Tags, TagShape
from server.api.visitors import Conversion, SaidOfVisitor, Visitors, WhichVisitor
from server.api.who import Who
from server.clock import Clock
from server.collect.inbox import Inbox
from server.errors import NotFound
from server.limits import Limits
from server.metrics import Metrics
from server.rules.reload import Live
from server.store.base import Store
from server.trail.roster import Roster

PREFIX = "/api"
DESCRIPTION = "/openapi.json"

read, write = Scope.read, Scope.write


def endpoints(
    *, store: Store, live: Live, clock: Clock, inbox: Inbox, metrics: Metrics, proves: bool = False
) -> list[Endpoint]:
    """All of the API. Of two paths that fit, the first is taken."""
    who, roster = Who(store.reads, live), Roster(store)
    contacts = Contacts(store, live, who, roster, clock)
    visitors = Visitors(who, roster, clock)
    events = Events(
        reads=store.reads, live=live, who=who, roster=roster, inbox=inbox, metrics=metrics, clock=clock
    )
    tags = Tags(store.annotations, who, roster, clock)
    notes = Notes(store.annotations, who, roster, clock)
    attributes = Attributes(store.annotations, clock)
    admins = Admins(live, proves=proves)
    histories, data = Histories(store.reads, live), Data(store, who, clock)
    messages = Messages(who, roster, clock)
    deliveries = Deliveries(store.outbox, clock)
    rules, segments = Rules(store, live, clock), Segments(store, live, clock)
    return [
        Endpoint("POST", "/events", write, events.create, "Record an event", None, NewEvent, status=202),
        Endpoint(
            "GET",
            "/events",
            read,
            events.list,
            "List a person's events, or their totals",
            EventList | EventSummaries,
            query=WhoseEvents,
        ),
        Endpoint(
            "POST",
            "/events/summaries",
            write,
            events.summaries,
            "Say how often something was done before",
            None,
            NewSummaries,
        ),
        Endpoint("POST", "/contacts", write, contacts.create, "Make a contact", Contact, Said, query=OfSite),
        Endpoint("GET", "/contacts", read, contacts.list, "List contacts", ContactList, query=Listed),
        Endpoint(
            "POST", "/contacts/merge", write, contacts.merge, "Merge a lead into a user", Contact, Merge
        ),
        Endpoint("POST", "/contacts/search", read, contacts.search, "Search contacts", ContactList, Search),
        Endpoint(
            "GET",
            "/contacts/find_by_external_id/{external_id}",
            read,
            contacts.find_by_external_id,
            "One contact by your own id",
            Contact,
        ),
        Endpoint("GET", "/contacts/{id}", read, contacts.find, "One contact", Contact),
        Endpoint("DELETE", "/contacts/{id}", write, data.erase, "Erase a contact for ever", ContactState),
        Endpoint(
            "GET",
            "/contacts/{id}/export",
            read,
            data.export,
            "Everything that is stored of a contact",
            ExportShape,
            query=WhichForm,
            native=True,
            also="text/csv",
        ),
        Endpoint(
            "GET",
            "/contacts/{id}/merges",
            read,
            data.merges,
            "Who was merged into a contact",
            MergeList,
            native=True,
        ),
        Endpoint(
            "DELETE",
            "/contacts/{id}/merges/{merged}",
            write,
            data.take_back,
            "Take a merge back",
            MergeShape,
            native=True,
        ),
        Endpoint("PUT", "/contacts/{id}", write, contacts.update, "Change a contact", Contact, Said),
        Endpoint(
            "POST", "/contacts/{id}/archive", write, contacts.archive, "Archive a contact", ContactState
        ),
        Endpoint(
            "POST", "/contacts/{id}/unarchive", write, contacts.unarchive, "Unarchive a contact", ContactState
        ),
        Endpoint("POST", "/contacts/{id}/block", write, contacts.block, "Block a contact", ContactState),
        Endpoint(
            "GET",
            "/contacts/{id}/history",
            read,
            histories.read,
            "The page history",
            HistoryShape,
            query=WhichPart,
            native=True,
        ),
        Endpoint("GET", "/contacts/{id}/tags", read, tags.of_contact, "A contact's tags", TagList),
        Endpoint("POST", "/contacts/{id}/tags", write, tags.tag_contact, "Tag a contact", TagShape, TagId),
        Endpoint(
            "DELETE",
            "/contacts/{id}/tags/{tag_id}",
            write,
            tags.untag_contact,
            "Take a tag from a contact",
            TagShape,
        ),
        Endpoint(
            "GET", "/contacts/{id}/notes", read, notes.list, "A contact's notes", NoteList, query=NotesPage
        ),
        Endpoint(
            "POST",
            "/contacts/{id}/notes",
            write,
            notes.create,
            "Write a note about a contact",
            NoteShape,
            NewNote,
        ),
        Endpoint("GET", "/notes/{id}", read, notes.find, "One note", NoteShape),
        Endpoint("GET", "/visitors", read, visitors.find, "One visitor", Visitor, query=WhichVisitor),
        Endpoint("PUT", "/visitors", write, visitors.update, "Change a visitor", Visitor, SaidOfVisitor),
        Endpoint(
            "POST",
            "/visitors/convert",
            write,
            visitors.convert,
            "Make a visitor a lead or a user",
            Contact,
            Conversion,
        ),
        Endpoint("GET", "/tags", read, tags.list, "List tags", TagList),
        Endpoint("POST", "/tags", write, tags.create, "Make, rename or give a tag", TagShape, NewTag),
        Endpoint("GET", "/tags/{id}", read, tags.find, "One tag", TagShape),
        Endpoint("DELETE", "/tags/{id}", write, tags.delete, "Delete a tag", None),
        Endpoint(
            "GET",
            "/data_attributes",
            read,
            attributes.list,
            "List data attributes",
            AttributeList,
            query=WhichAttributes,
        ),
        Endpoint(
            "POST",
            "/data_attributes",
            write,
            attributes.create,
            "Declare a custom attribute",
            AttributeShape,
            NewAttribute,
        ),
        Endpoint(
            "PUT",
            "/data_attributes/{id}",
            write,
            attributes.update,
            "Change a declared attribute",
            AttributeShape,
            ChangedAttribute,
        ),
        Endpoint("POST", "/messages", write, messages.create, "Send an e-mail", MessageShape, NewMessage),
        Endpoint("GET", "/rules", read, rules.list, "List the messages", RuleList, native=True),
        Endpoint(
            "POST",
            "/rules/backtest",
            read,
            rules.backtest,
            "Whom a message would have reached",
            BacktestShape,
            Backtest,
            native=True,
        ),
        Endpoint(
            "GET",
            "/rules/{id}/explain",
            read,
            rules.explain,
            "Why a person gets a message or does not",
            Explanation,
            query=WhichPerson,
            native=True,
        ),
        Endpoint(
            "GET",
            "/segments/{id}/contacts",
            read,
            segments.contacts,
            "Who is in a segment",
            ContactList,
            query=WhichMembers,
            native=True,
        ),
        Endpoint(
            "GET",
            "/deliveries",
            read,
            deliveries.list,
            "List what waits in the outbox, or is parked there",
            DeliveryList,
            query=WhichDeliveries,
            native=True,
        ),
        Endpoint(
            "POST",
            "/deliveries/{id}/retry",
            write,
            deliveries.retry,
            "Send what is parked again",
            DeliveryShape,
            native=True,
        ),
        Endpoint(
            "DELETE",
            "/deliveries/{id}",
            write,
            deliveries.discard,
            "Discard what is parked",
            Discarded,
            native=True,
        ),
        Endpoint("GET", "/me", read, admins.me, "Who the token belongs to", Me),
    ]


class Api(NamedTuple):
    """The API, ready to be served."""

    routes: list[BaseRoute]
    description: bytes
    """OpenAPI as JSON."""


def open_api(
    *,
    store: Store,
    tokens: Sequence[str],
    live: Live,
    clock: Clock,
    inbox: Inbox,
    metrics: Metrics,
    limits: Limits | None = None,
    proves: bool = False,
) -> Api:
    """Everything under /api/, behind one of the bearer tokens; its description is for everybody."""
    listed = endpoints(store=store, live=live, clock=clock, inbox=inbox, metrics=metrics, proves=proves)
    described = describe(listed, PREFIX)

    async def description(request: Request) -> Response:
        return Response(described, media_type="application/json")

    router = Router(
        [Route(DESCRIPTION, description, methods=["GET"]), *routes_of(listed)], default=_nothing_here
    )
    door = Middleware(
        Door,
        tokens=tokens,
        limits=limits or Limits(None),
        open_paths=frozenset({f"{PREFIX}{DESCRIPTION}"}),
    )
    mount = Mount(PREFIX, router, middleware=[door])
    # Also a path with a line break in it is answered here.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return Api([mount], described)


async def _nothing_here(scope: Connection, receive: Receive, send: Send) -> None:
    raise NotFound("not_found", "Resource Not Found")
