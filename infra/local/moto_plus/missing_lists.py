"""Lists that moto lacks of what it makes and deletes: one page with everything, in the words of the service's model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moto.appconfig.responses import AppConfigResponse
from moto.codecommit.responses import CodeCommitResponse
from moto.core.responses import ActionResult, BaseResponse
from moto.emr.responses import ElasticMapReduceResponse
from moto.glue.responses import GlueResponse
from moto.mediapackagev2.responses import mediapackagev2Response
from moto.sagemaker.responses import SageMakerResponse
from moto.signer import urls as signer_urls
from moto.signer.responses import SignerResponse

from .patch import asked, lacking


def applications(self: Any) -> Iterable[dict[str, Any]]:
    """AppConfig's applications."""
    return [one.to_json() for one in self.appconfig_backend.applications.values()]


def repositories(self: Any) -> Iterable[dict[str, Any]]:
    """CodeCommit's repositories."""
    known = [one.repository_metadata for one in self.codecommit_backend.repositories.values()]
    return [{"repositoryName": one["repositoryName"], "repositoryId": one["repositoryId"]} for one in known]


def security_configurations(self: Any) -> Iterable[dict[str, Any]]:
    """EMR's security configurations."""
    known = self.backend.security_configurations.values()
    return [{"Name": one.name, "CreationDateTime": one.creation_date_time} for one in known]


def schemas(self: Any) -> Iterable[dict[str, Any]]:
    """The schemas of all of Glue's registries."""
    known = [one for registry in self.glue_backend.registries.values() for one in registry.schemas.values()]
    return [
        {
            "RegistryName": one.registry_name,
            "SchemaName": one.schema_name,
            "SchemaArn": one.schema_arn,
            "SchemaStatus": one.schema_status,
        }
        for one in known
    ]


def channels(self: Any) -> Iterable[dict[str, Any]]:
    """The channels of one of MediaPackage's groups."""
    group = self.mediapackagev2_backend.get_channel_group(channel_group_name=asked(self)["ChannelGroupName"])
    return [
        {"Arn": one.arn, "ChannelName": one.channel_name, "ChannelGroupName": one.channel_group_name}
        for one in group.channels.values()
    ]


def lifecycle_configs(self: Any) -> Iterable[dict[str, Any]]:
    """What SageMaker's notebooks do when they start."""
    return [
        {
            "NotebookInstanceLifecycleConfigName": one.notebook_instance_lifecycle_config_name,
            "NotebookInstanceLifecycleConfigArn": one.arn,
        }
        for one in self.sagemaker_backend.notebook_instance_lifecycle_configurations.values()
    ]


def signing_profiles(self: Any) -> Iterable[dict[str, Any]]:
    """Signer's profiles that are in use; cancelled ones are listed on request."""
    known = self.signer_backend.signing_profiles.values()
    return [{"profileName": one.name, "status": one.status, "arn": one.arn} for one in known if one.status == "Active"]


# The class that answers for the service, the operation, the member of its answer, and what is in it.
LISTS: tuple[tuple[type[BaseResponse], str, str, Callable[[Any], Iterable[dict[str, Any]]]], ...] = (
    (AppConfigResponse, "list_applications", "Items", applications),
    (CodeCommitResponse, "list_repositories", "repositories", repositories),
    (ElasticMapReduceResponse, "list_security_configurations", "SecurityConfigurations", security_configurations),
    (GlueResponse, "list_schemas", "Schemas", schemas),
    (SageMakerResponse, "list_notebook_instance_lifecycle_configs", "NotebookInstanceLifecycleConfigs", lifecycle_configs),
    (SignerResponse, "list_signing_profiles", "profiles", signing_profiles),
    (mediapackagev2Response, "list_channels", "Items", channels),
)


def listing(member: str, found: Callable[[Any], Iterable[dict[str, Any]]]) -> Callable[[Any], ActionResult]:
    """The method that answers."""
    return lambda self: ActionResult({member: list(found(self))})


def install() -> None:
    """Give moto what it lacks; fails at start-up when moto has it by now."""
    for responses, operation, member, found in LISTS:
        lacking(responses, operation, listing(member, found))
    signer_urls.url_paths["{0}/signing-profiles$"] = SignerResponse.dispatch
