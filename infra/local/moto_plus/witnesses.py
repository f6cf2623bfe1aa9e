"""Who can say what an account uses, as far as moto lacks it: CloudFormation's registry lists types; IAM's report of
accesses, CloudTrail's history and the tagging API tell of what Cloud Control made. The report also tells what the
gateway hands along from its log of calls, and to the history the gateway adds that itself (`gateway/witnesses.py`).

The tagging API answers from the state at the first page, in pages by position: moto walks through collections that
change meanwhile. https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

import base64
import datetime
import json
import zlib
from dataclasses import dataclass
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import ActionResult
from moto.core.utils import unix_time, utcnow
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

from .cloud_control import ACCOUNTS, arn_of, namespace, types
from .paging import page
from .patch import add, around
from .refusals import refuse

# The accounts whose report was asked for, by job.
REPORTS: dict[str, str] = {}


def kinds_of(account: str) -> set[tuple[str, str]]:
    """The regions and types of what Cloud Control made in an account."""
    known = ((region, found) for (owner, region), found in ACCOUNTS.items() if owner == account)
    return {(region, key[0]) for region, found in known for key in found.resources}


class Registry:
    """Methods for `CloudFormationResponse`."""

    def list_types(self) -> ActionResult:
        filters = self._get_param("Filters") or {}
        registry = self._get_param("Visibility") == "PUBLIC" and filters.get("Category") in (None, "AWS_TYPES")
        mutable = registry and self._get_param("ProvisioningType") in (None, "FULLY_MUTABLE")
        found = [{"Type": "RESOURCE", "TypeName": name} for name in sorted(types()) if mutable]
        listed = page("TypeSummaries", found, self._get_param("NextToken"), self._get_param("MaxResults"), most=100)
        return ActionResult(listed)

    def describe_type(self) -> ActionResult:
        name = self._get_param("TypeName")
        if name not in types():
            raise refuse("TypeNotFoundException", f"The type {name} is not in the registry.", 404)
        model = {"required": types()[name]}
        schema = {"typeName": name, "handlers": {"list": {"handlerSchema": model}, "delete": {}}}
        return ActionResult({"Type": "RESOURCE", "TypeName": name, "Schema": json.dumps(schema)})


def attempts(header: str | None) -> list[tuple[str, str, datetime.datetime]]:
    """Services that principals of the account tried, as the gateway's log of calls tells."""
    told = json.loads(zlib.decompress(base64.b64decode(header))) if header else []
    return [(name, region, datetime.datetime.fromisoformat(time)) for name, region, time in told]


class Report:
    """Methods for `IamResponse`."""

    def generate_organizations_access_report(self) -> ActionResult:
        path = self._get_param("EntityPath").split("/")
        if not path[0].startswith("o-") or not path[1].startswith("r-"):
            raise refuse("InvalidInput", "The entity path begins with the organization and its root.")
        REPORTS[job := str(mock_random.uuid4())] = path[-1]
        return ActionResult({"JobId": job})

    def get_organizations_access_report(self) -> ActionResult:
        account = REPORTS[self._get_param("JobId")]
        seen = {name: (region, time) for name, region, time in attempts(self.headers.get("x-local-accessed"))}
        seen |= {namespace(kind): (region, utcnow()) for region, kind in kinds_of(account)}
        details = [
            {"ServiceName": name, "ServiceNamespace": name, "Region": region, "LastAuthenticatedTime": time}
            for name, (region, time) in sorted(seen.items())
        ]
        done = {"JobStatus": "COMPLETED", "JobCreationDate": utcnow(), "AccessDetails": details, "IsTruncated": False}
        return ActionResult(done)


class History:
    """Methods for `CloudTrailResponse`, which speaks JSON by hand."""

    def lookup_events(self) -> str:
        asked = json.loads(self.body or "{}")
        made = sorted(kind for region, kind in kinds_of(self.current_account) if region == self.region)
        events = [
            {
                "EventId": kind,
                "EventName": f"Create{kind.split('::')[2]}",
                "EventSource": f"{namespace(kind)}.amazonaws.com",
                "EventTime": unix_time(),
                "ReadOnly": "false",
                "Username": "somebody",
            }
            for kind in made
        ]
        return json.dumps(page("Events", events, asked.get("NextToken"), asked.get("MaxResults"), most=50))


@dataclass
class Tagged:
    """A resource, as the tagging API shows it."""

    arn: str
    tags: dict[str, str]


def get_resources(original: Any, self: ResourceGroupsTaggingAPIBackend, **asked: Any) -> tuple[str | None, list[Any]]:
    """A page, by position in what was there when the first was asked for."""
    start = 0
    if token := asked.pop("pagination_token", None):
        found, start = self._pages.pop(token)["misc"]
    else:
        size = asked.pop("resources_per_page", 50)
        tags = asked.pop("tags_per_page", 100)
        _, found = original(self, resources_per_page=10**9, tags_per_page=10**9, **asked)
        if not any(asked.get(name) for name in ("tag_filters", "resource_type_filters", "resource_arn_list")):
            found = [*found, *of_cloud_control(self.account_id, self.region_name)]
        found = (found, size, tags)
    resources, size, _ = found
    end = start + size
    if end >= len(resources):
        return None, resources[start:]
    token = f"page-{len(self._pages)}-{end}"
    self._pages[token] = {"misc": (found, end)}
    return token, resources[start:end]


def of_cloud_control(account: str, region: str) -> list[Tagged]:
    """What Cloud Control made with tags."""
    known = ACCOUNTS.get((account, region))
    made = known.resources.items() if known else ()
    return [
        Tagged(arn_of(account, region, key), {tag["Key"]: tag["Value"] for tag in resource["Tags"]})
        for key, resource in made
        if resource.get("Tags")
    ]


def install() -> None:
    """Give moto the operations."""
    add(CloudFormationResponse, Registry)
    add(IamResponse, Report)
    add(CloudTrailResponse, History)
    around(ResourceGroupsTaggingAPIBackend, "get_resources", get_resources)
