"""Policies of an organization: what may be attached where, and what AWS refuses where moto goes along.

Service control policies are on from the start, the other types are switched on first. Every root, OU and account keeps
at least one service control policy and, when that type is on, `RCPFullAWSAccess`.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.organizations import utils
from moto.organizations.exceptions import (
    DuplicatePolicyException,
    OrganizationsClientError,
    PolicyTypeNotEnabledException,
)
from moto.organizations.models import FakePolicy, FakeRoot, OrganizationsBackend

from .organization_refusals import constraint, invalid
from .paging import page
from .patch import around

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
# Types that moto lacks, and the part of their policies' ARNs.
ADDED = {
    "DECLARATIVE_POLICY_EC2": "declarative_policy_ec2",
    "BACKUP_POLICY": "backup_policy",
    "CHATBOT_POLICY": "chatbot_policy",
    "SECURITYHUB_POLICY": "securityhub_policy",
}
# The largest policy of a type in characters, and how many of a type one target can have.
LARGEST = {SCP: 5120, RCP: 5120, "AISERVICES_OPT_OUT_POLICY": 2500}
LARGEST_OTHER = 10_000
MOST = {SCP: 5, RCP: 5}
MOST_OTHER = 10


def new_policy(original: Any, self: FakePolicy, organization: Any, **kwargs: Any) -> None:
    """A policy of any type: moto makes those that it does not know as tag policies, and then they are renamed."""
    added = ADDED.get(kwargs.get("Type", ""))
    original(self, organization, **(kwargs | {"Type": "TAG_POLICY"} if added else kwargs))
    if added:
        self.type = kwargs["Type"]
        self._arn_format = utils.TAG_POLICY_ARN_FORMAT.replace("tag_policy", added)


def create_organization(original: Any, self: OrganizationsBackend, region: str, **kwargs: Any) -> dict[str, Any]:
    """An organization with all features has service control policies enabled in its root."""
    answer = original(self, region, **kwargs)
    if self.org.feature_set == "ALL":
        root_of(self).add_policy_type(SCP)
    return answer


def root_of(backend: OrganizationsBackend) -> FakeRoot:
    """The organization's root."""
    return next(place for place in backend.ou if isinstance(place, FakeRoot))


def create_policy(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """A new policy, if its content is one and fits."""
    judge_content(kwargs["Type"], kwargs["Content"])
    return original(self, **kwargs)


def update_policy(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """Another name or content; AWS's own policies stay as they are, and names stay unique."""
    policy = self.get_policy_by_id(kwargs["PolicyId"])
    if policy.aws_managed:
        raise invalid("IMMUTABLE_POLICY", "You cannot update a policy that is managed by AWS.")
    if any(other.name == kwargs.get("Name") for other in self.policies if other is not policy):
        raise DuplicatePolicyException
    if "Content" in kwargs:
        judge_content(policy.type, kwargs["Content"])
    return original(self, **kwargs)


def delete_policy(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """A policy of the organization's own goes; AWS's stay."""
    if self.get_policy_by_id(kwargs["PolicyId"]).aws_managed:
        raise invalid("IMMUTABLE_POLICY", "You cannot delete a policy that is managed by AWS.")
    original(self, **kwargs)


def judge_content(kind: str, content: str) -> None:
    """Refuse what is too long, or not JSON."""
    if len(content) > LARGEST.get(kind, LARGEST_OTHER):
        raise constraint("POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size.")
    try:
        if isinstance(json.loads(content), dict):
            return
    except ValueError:
        pass
    raise OrganizationsClientError(
        "MalformedPolicyDocumentException", "The provided policy document does not meet the requirements."
    )


def attach_policy(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Attach once, of an enabled type, and not too many."""
    policy, target = self.get_policy_by_id(kwargs["PolicyId"]), target_of(self, kwargs["TargetId"])
    # What is attached by default is attached by AWS, whether the type is on or not.
    if target and not policy.aws_managed and not enabled(self, policy.type):
        raise PolicyTypeNotEnabledException
    if target and policy in target.attached_policies:
        raise OrganizationsClientError(
            "DuplicatePolicyAttachmentException", "A policy with the specified name and type already exists."
        )
    if target and len(of_type(target, policy.type)) >= MOST.get(policy.type, MOST_OTHER):
        raise constraint(
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You have attained the maximum number of policies attached to the target.",
        )
    original(self, **kwargs)


def detach_policy(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Detach what is attached, but never the last service control policy, and never `RCPFullAWSAccess`."""
    policy, target = self.get_policy_by_id(kwargs["PolicyId"]), target_of(self, kwargs["TargetId"])
    if target and policy not in target.attached_policies:
        raise OrganizationsClientError(
            "PolicyNotAttachedException", "The policy isn't attached to the specified target in the specified root."
        )
    last = target and policy.type == SCP and len(of_type(target, SCP)) == 1
    if last or policy.id == utils.DEFAULT_RCP_POLICY_ID:
        raise constraint(
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You cannot remove the last policy attached to the specified target.",
        )
    original(self, **kwargs)


def target_of(backend: OrganizationsBackend, target: str) -> Any:
    """The root, OU or account with this id; None leaves the refusal to moto."""
    return next((place for place in (*backend.ou, *backend.accounts) if place.id == target), None)


def of_type(target: Any, kind: str) -> list[FakePolicy]:
    """The target's own policies of one type."""
    return [policy for policy in target.attached_policies if policy.type == kind]


def enabled(backend: OrganizationsBackend, kind: str) -> bool:
    """Whether the root has the type on."""
    return any(entry["Type"] == kind for entry in root_of(backend).policy_types)


def list_targets_for_policy(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """All targets, in pages, which moto lacks."""
    targets = original(self, **kwargs)["Targets"]
    return page("Targets", targets, kwargs.get("NextToken"), kwargs.get("MaxResults"))


def install() -> None:
    """Make moto know all types, and refuse what AWS refuses."""
    for known in (FakePolicy, FakeRoot):
        known.SUPPORTED_POLICY_TYPES = sorted({*known.SUPPORTED_POLICY_TYPES, *ADDED})
    around(FakePolicy, "__init__", new_policy)
    for wrapper in (
        create_organization,
        create_policy,
        update_policy,
        delete_policy,
        attach_policy,
        detach_policy,
        list_targets_for_policy,
    ):
        around(OrganizationsBackend, wrapper.__name__, wrapper)
