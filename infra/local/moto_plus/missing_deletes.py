"""Deletes that moto lacks for what it makes and lists.

The thing leaves the place where moto keeps it. What is not there is refused with the error that the service's model has
for it, and so is what something else still needs, where the table says what that is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.cloudfront.responses import CloudFrontResponse
from moto.codedeploy.responses import CodeDeployResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.directconnect.responses import DirectConnectResponse
from moto.ec2.responses import EC2Response
from moto.elasticache.responses import ElastiCacheResponse
from moto.glue.responses import GlueResponse
from moto.kinesisanalyticsv2.responses import KinesisAnalyticsV2Response
from moto.networkmanager.responses import NetworkManagerResponse
from moto.opensearchserverless.responses import OpenSearchServiceServerlessResponse
from moto.resiliencehub.responses import ResilienceHubResponse
from moto.route53resolver.responses import Route53ResolverResponse
from moto.sagemaker.responses import SageMakerResponse
from moto.servicecatalogappregistry import urls as appregistry_urls
from moto.servicecatalogappregistry.responses import AppRegistryResponse
from moto.synthetics.responses import SyntheticsResponse
from moto.timestreaminfluxdb.responses import TimestreamInfluxDBResponse
from moto.vpclattice.responses import VPCLatticeResponse
from moto.workspaces.responses import WorkSpacesResponse

from .patch import asked, lacking

NOT_FOUND = "ResourceNotFoundException"


class Refused(ServiceException):
    """An error of the service that answers: moto looks at where a class lies to find another service's, and this has none."""

    __module__ = "local"


@dataclass(frozen=True)
class Delete:
    """One operation that takes something away."""

    operation: str
    # The backend's dictionary of such things.
    store: str
    # The parameters that name a thing, and the attributes that have these values.
    named: dict[str, str]
    missing: str = NOT_FOUND
    # Dictionaries of things that must not be left over, and the attribute by which they name this one.
    held_by: dict[str, str] = field(default_factory=dict)
    held: str = "ConflictException"


# By the class that answers for the service: its property that is the backend, and what it lacks.
LACKING: dict[type[BaseResponse], tuple[str, tuple[Delete, ...]]] = {
    AppRegistryResponse: (
        "servicecatalogappregistry_backend",
        (Delete("delete_application", "applications", {"application": "id"}),),
    ),
    AthenaResponse: (
        "athena_backend",
        (
            Delete("delete_data_catalog", "data_catalogs", {"Name": "name"}, "InvalidRequestException"),
            Delete("delete_named_query", "named_queries", {"NamedQueryId": "id"}, "InvalidRequestException"),
        ),
    ),
    CloudFrontResponse: ("backend", (Delete("delete_key_group", "key_groups", {"Id": "id"}, "NoSuchResource"),)),
    CodeDeployResponse: (
        "codedeploy_backend",
        # https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeleteApplication.html names no such error.
        (Delete("delete_application", "applications", {"applicationName": "application_name"}, ""),),
    ),
    DirectConnectResponse: (
        "directconnect_backend",
        (Delete("delete_lag", "lags", {"lagId": "lag_id"}, "DirectConnectClientException"),),
    ),
    EC2Response: (
        "ec2_backend",
        (
            Delete(
                "delete_traffic_mirror_filter",
                "traffic_mirror_filters",
                {"TrafficMirrorFilterId": "id"},
                "InvalidTrafficMirrorFilterId.NotFound",
            ),
            Delete(
                "delete_traffic_mirror_target",
                "traffic_mirror_targets",
                {"TrafficMirrorTargetId": "id"},
                "InvalidTrafficMirrorTargetId.NotFound",
            ),
        ),
    ),
    ElastiCacheResponse: (
        "elasticache_backend",
        (
            Delete(
                "delete_cache_subnet_group",
                "cache_subnet_groups",
                {"CacheSubnetGroupName": "cache_subnet_group_name"},
                "CacheSubnetGroupNotFoundFault",
            ),
        ),
    ),
    GlueResponse: (
        "glue_backend",
        (Delete("delete_connection", "connections", {"ConnectionName": "name"}, "EntityNotFoundException"),),
    ),
    KinesisAnalyticsV2Response: (
        "kinesisanalyticsv2_backend",
        (Delete("delete_application", "applications", {"ApplicationName": "application_name"}),),
    ),
    NetworkManagerResponse: (
        "networkmanager_backend",
        (
            Delete(
                "delete_global_network",
                "global_networks",
                {"GlobalNetworkId": "global_network_id"},
                held_by={name: "global_network_id" for name in ("core_networks", "devices", "links", "sites")},
            ),
        ),
    ),
    OpenSearchServiceServerlessResponse: (
        "opensearchserverless_backend",
        (Delete("delete_security_policy", "security_policies", {"name": "name", "type": "type"}),),
    ),
    ResilienceHubResponse: (
        "resiliencehub_backend",
        (
            Delete("delete_app", "apps", {"appArn": "arn"}),
            Delete("delete_resiliency_policy", "policies", {"policyArn": "arn"}),
        ),
    ),
    Route53ResolverResponse: (
        "route53resolver_backend",
        (
            Delete(
                "delete_resolver_query_log_config",
                "resolver_query_log_configs",
                {"ResolverQueryLogConfigId": "id"},
                held_by={"resolver_query_log_config_associations": "resolver_query_log_config_id"},
                held="InvalidRequestException",
            ),
            Delete(
                "disassociate_resolver_query_log_config",
                "resolver_query_log_config_associations",
                {"ResolverQueryLogConfigId": "resolver_query_log_config_id", "ResourceId": "resource_id"},
            ),
        ),
    ),
    SageMakerResponse: (
        "sagemaker_backend",
        (
            Delete("delete_model_package", "model_packages", {"ModelPackageName": "arn"}, "ValidationException"),
            Delete(
                "delete_model_package_group",
                "model_package_groups",
                {"ModelPackageGroupName": "model_package_group_name"},
                "ValidationException",
                held_by={"model_packages": "model_package_group_name"},
            ),
        ),
    ),
    SyntheticsResponse: ("synthetics_backend", (Delete("delete_canary", "canaries", {"Name": "name"}),)),
    TimestreamInfluxDBResponse: (
        "timestreaminfluxdb_backend",
        (Delete("delete_db_cluster", "db_clusters", {"dbClusterId": "id"}),),
    ),
    VPCLatticeResponse: (
        "backend",
        (
            Delete(
                "delete_service",
                "services",
                {"serviceIdentifier": "id"},
                held_by={"service_network_service_associations": "service_id"},
            ),
            Delete(
                "delete_service_network",
                "service_networks",
                {"serviceNetworkIdentifier": "id"},
                held_by={
                    "service_network_service_associations": "service_network_id",
                    "service_network_vpc_associations": "service_network_id",
                },
            ),
            Delete(
                "delete_service_network_service_association",
                "service_network_service_associations",
                {"serviceNetworkServiceAssociationIdentifier": "id"},
            ),
            Delete(
                "delete_service_network_vpc_association",
                "service_network_vpc_associations",
                {"serviceNetworkVpcAssociationIdentifier": "id"},
            ),
            Delete("delete_target_group", "target_groups", {"targetGroupIdentifier": "id"}),
        ),
    ),
    WorkSpacesResponse: (
        "workspaces_backend",
        (Delete("delete_workspace_image", "workspace_images", {"ImageId": "image_id"}),),
    ),
}


def leaves(things: dict[str, Any]) -> list[Any]:
    """The things of a dictionary, which keeps some of them in one dictionary for each thing that they belong to."""
    return [leaf for thing in things.values() for leaf in (thing.values() if isinstance(thing, dict) else [thing])]


def deletion(backend: str, delete: Delete) -> Callable[[Any], ActionResult]:
    """The method that answers."""

    def method(self: Any) -> ActionResult:
        kept, params = getattr(self, backend), asked(self)
        named = {attribute: params[parameter] for parameter, attribute in delete.named.items()}
        things = getattr(kept, delete.store)
        found = [key for key, thing in things.items() if all(getattr(thing, a) == v for a, v in named.items())]
        name = " ".join(named.values())
        if not found and delete.missing:
            raise Refused(delete.missing, f"There is no {name}.")
        for store, attribute in delete.held_by.items():
            if any(getattr(holder, attribute) == next(iter(named.values())) for holder in leaves(getattr(kept, store))):
                raise Refused(delete.held, f"{name} is in use: {store.replace('_', ' ')}.")
        for key in found:
            del things[key]
        return ActionResult({})

    return method


def install() -> None:
    """Give moto what it lacks; fails at start-up when moto has it by now."""
    for responses, (backend, deletes) in LACKING.items():
        for delete in deletes:
            lacking(responses, delete.operation, deletion(backend, delete))
    appregistry_urls.url_paths["{0}/applications/(?P<application>[^/]+)$"] = AppRegistryResponse.dispatch
