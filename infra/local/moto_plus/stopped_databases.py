"""A stopped database cluster is started before it is deleted, and the last member of a protected one stays.

moto deletes both.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import InvalidDBClusterStateFault, InvalidParameterCombination
from moto.rds.models import RDSBackend

from .patch import around


def refuse_stopped(cluster: Any) -> None:
    """Refuse what a stopped cluster does not take."""
    if cluster is not None and cluster.status == "stopped":
        raise InvalidDBClusterStateFault(
            f"DbCluster {cluster.db_cluster_identifier} is in stopped state but expected it to be one of available."
        )


def delete_db_cluster(original: Any, self: RDSBackend, cluster_identifier: str, *args: Any, **kwargs: Any) -> Any:
    """Refuse a stopped cluster."""
    refuse_stopped(self.clusters.get(cluster_identifier))
    return original(self, cluster_identifier, *args, **kwargs)


def delete_db_instance(original: Any, self: RDSBackend, db_instance_identifier: str, *args: Any, **kwargs: Any) -> Any:
    """Refuse members of a stopped cluster, and the last one of a protected cluster."""
    database = self.databases.get(db_instance_identifier)
    cluster = self.clusters.get(getattr(database, "db_cluster_identifier", None) or "")
    refuse_stopped(cluster)
    if cluster is not None and cluster.deletion_protection and len(cluster.members) == 1:
        raise InvalidParameterCombination(
            "This database has deletion protection option enabled, to be able to delete the last Aurora DB instance "
            "modify the Aurora Cluster disabling deletion protection."
        )
    return original(self, db_instance_identifier, *args, **kwargs)


def install() -> None:
    """Refuse as RDS does."""
    around(RDSBackend, "delete_db_cluster", delete_db_cluster)
    around(RDSBackend, "delete_db_instance", delete_db_instance)
