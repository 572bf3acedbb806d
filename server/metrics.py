"""What is counted for /metrics. Received = stored + repeated + rejected + shed, always."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter("leadtrail_events_received", "Events that arrived.", registry=self.registry)
        self.stored = Counter("leadtrail_events_stored", "Events committed to disk.", registry=self.registry)
        self.repeated = Counter(
            "leadtrail_events_repeated",
            "Events that had been stored before under the same id.",
            registry=self.registry,
        )
        self.rejected = Counter(
            "leadtrail_events_rejected",
            "Events that were refused, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.shed = Counter(
            "leadtrail_events_shed",
            "Events not taken because the server was full or broken.",
            registry=self.registry,
        )
        self.requests_refused = Counter(
            "leadtrail_requests_refused",
            "Requests to the collector refused whole.",
            ["reason"],
            registry=self.registry,
        )
        self.commits = Counter(
            "leadtrail_commits", "Groups of requests committed together.", registry=self.registry
        )
        self.deliveries = Counter(
            "leadtrail_deliveries",
            "Tries to deliver a message by a channel, by what came of them.",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.deliveries_stored = Gauge(
            "leadtrail_deliveries_stored",
            "Messages in the outbox, waiting or parked.",
            ["channel", "state"],
            registry=self.registry,
        )
        self.rules_broken = Gauge(
            "leadtrail_rules_broken",
            "1 while leadtrail.yaml has mistakes and older rules run.",
            registry=self.registry,
        )
        self.servers = Gauge(
            "leadtrail_servers", "Servers that run on this database.", registry=self.registry
        )
        self.servers.set(1)
        self.servers_differ = Gauge(
            "leadtrail_servers_differ",
            "Hosts whose servers run with other rules or keys than this one.",
            ["what"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        """The Prometheus exposition text."""
        return generate_latest(self.registry)
