"""What moto leaves in between for ever settles, as it does at AWS within minutes.

A cache that is being deleted goes, a backup that is being made is there, a crawler that stops has stopped: each is shown
once in between and is settled when it is asked for again. Without that, whoever waits for an end waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.comprehend.models import ComprehendBackend
from moto.dms.models import DatabaseMigrationServiceBackend
from moto.ds.models import DirectoryServiceBackend
from moto.dsql.models import AuroraDSQLBackend
from moto.ec2.models import EC2Backend
from moto.elasticache.models import ElastiCacheBackend
from moto.fis.models import FISBackend
from moto.fsx.models import FSxBackend
from moto.glue.models import GlueBackend
from moto.kafka.models import KafkaBackend
from moto.mediaconnect.models import MediaConnectBackend
from moto.medialive.models import MediaLiveBackend
from moto.timestreaminfluxdb.models import TimestreamInfluxDBBackend

from .patch import around

GONE = None

CHANNEL = {"CREATING": "IDLE", "STARTING": "RUNNING", "STOPPING": "IDLE", "DELETING": "DELETED"}

# Backend, the method that lists, where the things are, the attribute with their state, and what becomes of it.
SETTLES: tuple[tuple[type, str, str, str, Mapping[str, str | None]], ...] = (
    (ComprehendBackend, "list_document_classifiers", "classifiers", "status", {"STOP_REQUESTED": "STOPPED"}),
    (ComprehendBackend, "list_entity_recognizers", "recognizers", "status", {"STOP_REQUESTED": "STOPPED"}),
    (DatabaseMigrationServiceBackend, "describe_endpoints", "endpoints", "status", {"creating": "active"}),
    (EC2Backend, "describe_fleets", "fleets", "state", {"deleted_terminating": "deleted"}),
    (ElastiCacheBackend, "describe_cache_clusters", "cache_clusters", "cache_cluster_status", {"deleting": GONE}),
    (ElastiCacheBackend, "describe_replication_groups", "replication_groups", "status", {"deleting": GONE}),
    (ElastiCacheBackend, "describe_users", "users", "status", {"deleting": GONE}),
    (FISBackend, "list_experiments", "experiments", "status", {"stopping": "stopped"}),
    (FSxBackend, "describe_backups", "backups", "lifecycle", {"CREATING": "AVAILABLE"}),
    (GlueBackend, "list_sessions", "sessions", "state", {"STOPPING": "STOPPED"}),
    (KafkaBackend, "list_clusters_v2", "clusters", "state", {"CREATING": "ACTIVE"}),
    (MediaConnectBackend, "list_flows", "_flows", "status", {"STARTING": "ACTIVE", "STOPPING": "STANDBY"}),
    (MediaLiveBackend, "list_channels", "_channels", "state", CHANNEL),
    (MediaLiveBackend, "list_inputs", "_inputs", "state", {"CREATING": "DETACHED", "DELETING": "DELETED"}),
    (TimestreamInfluxDBBackend, "list_db_instances", "db_instances", "status", {"CREATING": "AVAILABLE"}),
)


def settle(things: dict[str, Any], attribute: str, ends: Mapping[str, str | None]) -> None:
    """Move on what was shown in between before; remember what is shown so now."""
    for name, thing in list(things.items()):
        state = str(getattr(getattr(thing, attribute), "value", getattr(thing, attribute)))
        if state not in ends:
            continue
        if getattr(thing, "shown_in", None) != state:
            thing.shown_in = state
        elif ends[state] is GONE:
            things.pop(name)
        else:
            setattr(thing, attribute, ends[state])


def settling(store: str, attribute: str, ends: Mapping[str, str | None]) -> Callable[..., Any]:
    """A list that settles before it answers."""

    def listed(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        settle(getattr(self, store), attribute, ends)
        return original(self, *args, **kwargs)

    return listed


def stopped_crawls(original: Any, self: GlueBackend) -> Any:
    """A crawler's state is that of its last crawl."""
    last = {name: crawler.crawls[-1] for name, crawler in self.crawlers.items() if crawler.crawls}
    settle(last, "status", {"STOPPING": "STOPPED"})
    return original(self)


def made_trusts(original: Any, self: DirectoryServiceBackend, *args: Any, **kwargs: Any) -> Any:
    """A trust is made once somebody has looked; before, it cannot be deleted."""
    trusts = {trust.trust_id: trust for directory in self.directories.values() for trust in directory.trusts}
    settle(trusts, "trust_state", {"Creating": "Created"})
    return original(self, *args, **kwargs)


def made_streams(original: Any, self: AuroraDSQLBackend, *args: Any, **kwargs: Any) -> Any:
    """A cluster's streams are made, and gone, once somebody has looked."""
    for cluster in self.clusters.values():
        settle(cluster.streams, "status", {"CREATING": "ACTIVE", "DELETING": GONE})
    return original(self, *args, **kwargs)


def install() -> None:
    """Let time pass for what is asked for twice."""
    for backend, method, store, attribute, ends in SETTLES:
        around(backend, method, settling(store, attribute, ends))
    around(GlueBackend, "get_crawlers", stopped_crawls)
    around(DirectoryServiceBackend, "describe_trusts", made_trusts)
    around(AuroraDSQLBackend, "list_streams", made_streams)
