"""Service-managed StackSets as AWS has them: for an organization that trusts them, below the OUs they are for but not in the
management account, with stacks that their accounts can see, updated all at once, and brought to accounts that come later.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationResultSummary.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, StackSet, cloudformation_backends
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.organizations.models import OrganizationsBackend, organizations_backends

from .patch import around, lacking
from .trusted_services import trusts

TRUSTED = "member.org.stacksets.cloudformation.amazonaws.com"
MANAGED = "SERVICE_MANAGED"
PARTITION = "aws"

# Of each service-managed StackSet: its stacks by account and region, where one could not be made or updated, and the
# regions of each OU that it is for. And what is said of each operation.
Place = tuple[str, str]
stacks: dict[str, dict[Place, Any]] = {}
outdated: dict[str, dict[Place, str]] = {}
targets: dict[str, dict[str, set[str]]] = {}
results: dict[str, list[dict[str, str]]] = {}


def organization(account: str) -> OrganizationsBackend:
    """The organization of a management account."""
    return organizations_backends[account][PARTITION]


def is_managed(stack_set: StackSet) -> bool:
    """Whether an organization's OUs decide where it is."""
    return bool(stack_set.permission_model == MANAGED)


def accounts_below(backend: OrganizationsBackend, units: list[str]) -> list[str]:
    """The members in these OUs and in all below them."""
    inside, grown = set(units), 0
    while grown != len(inside):
        grown = len(inside)
        inside |= {unit.id for unit in backend.ou if unit.parent_id in inside}
    return [account.id for account in backend.accounts if account.parent_id in inside and not is_master(account)]


def is_master(account: Any) -> bool:
    """Whether this is the management account, into which StackSets deploy nothing."""
    return bool(account.id == account.master_account_id)


def put(stack_set: StackSet, places: list[Place]) -> list[dict[str, str]]:
    """Make or update the stack of each place, and say how each went."""
    there, told = stacks.setdefault(stack_set.id, {}), []
    stale = outdated.setdefault(stack_set.id, {})
    for account, region in places:
        result = {"Account": account, "Region": region, "Status": "SUCCEEDED"}
        try:
            if (account, region) in there:
                there[account, region].update(stack_set.template, None, parameters=stack_set.parameters, tags=None)
            else:
                there[account, region] = new_stack(stack_set, cloudformation_backends[account][region])
            stale.pop((account, region), None)
        except Exception as reason:  # Whatever a resource says; it is the reason of the failure.
            result |= {"Status": "FAILED", "StatusReason": str(reason)}
            stale[account, region] = str(reason)
        told.append(result)
    return told


def new_stack(stack_set: StackSet, backend: CloudFormationBackend) -> Any:
    """A stack of the StackSet; one that fails is rolled back, which moto leaves half-made."""
    name = f"StackSet-{stack_set.name}-{uuid4()}"
    try:
        return backend.create_stack(name=name, template=stack_set.template, parameters=stack_set.parameters)
    except Exception:
        with suppress(Exception):
            backend.delete_stack(name)
        raise


def take(stack_set: StackSet, places: list[Place]) -> list[dict[str, str]]:
    """Delete the stacks of places, and say how each went."""
    there, told = stacks.setdefault(stack_set.id, {}), []
    # A region's stack may need what that of an earlier one made.
    for account, region in reversed(places):
        result = {"Account": account, "Region": region, "Status": "SUCCEEDED"}
        try:
            if (account, region) in there:
                cloudformation_backends[account][region].delete_stack(there[account, region].name)
                del there[account, region]
            outdated.get(stack_set.id, {}).pop((account, region), None)
        except Exception as reason:  # Whatever a resource says; it is the reason of the failure.
            result |= {"Status": "FAILED", "StatusReason": str(reason)}
        told.append(result)
    return told


def ended(stack_set: StackSet, action: str, told: list[dict[str, str]]) -> ActionResult:
    """The answer to an operation, which is over at once."""
    operation = str(uuid4())
    failed = any(result["Status"] == "FAILED" for result in told)
    stack_set._create_operation(operation, action, "FAILED" if failed and len(told) == 1 else "SUCCEEDED")
    results[operation] = told
    return ActionResult({"OperationId": operation})


def managed(self: CloudFormationResponse) -> StackSet | None:
    """The StackSet that a call is about, if it is one of an organization."""
    stack_set = self.cloudformation_backend.describe_stack_set(self._get_param("StackSetName"))
    return stack_set if is_managed(stack_set) else None


def units_of(self: CloudFormationResponse) -> list[str]:
    """The OUs that a call names."""
    units = (self._get_params().get("DeploymentTargets") or {}).get("OrganizationalUnitIds")
    if not units:
        raise ValidationError(message="OrganizationalUnitIds are required")
    return list(units)


def regions_of(self: CloudFormationResponse) -> list[str]:
    """The regions that a call names; one at least."""
    regions = self._get_param("Regions", [])
    if not regions:
        raise ValidationError(message="Regions are required")
    return list(regions)


def places_of(stack_set: StackSet) -> list[Place]:
    """Where its stacks are, or should be and could not be made."""
    there = {*stacks.get(stack_set.id, {}), *outdated.get(stack_set.id, {})}
    return sorted(there, key=lambda place: (place[1] != "us-east-1", place))


def seen(stack_set: StackSet) -> None:
    """What `DescribeStackSet` says: OUs, and regions in which there is a stack."""
    stack_set.organizational_unit_ids = sorted(targets[stack_set.id])
    stack_set.regions = sorted({region for _, region in stacks.get(stack_set.id, {})})


def list_stack_instances(original: Any, self: CloudFormationResponse) -> ActionResult:
    """Every place, and whether its stack is as the StackSet says."""
    stack_set = managed(self)
    if not stack_set:
        return original(self)
    stale = outdated.get(stack_set.id, {})
    return ActionResult({"Summaries": [
        {"Account": place[0], "Region": place[1], "StackSetId": stack_set.id,
         "Status": "OUTDATED" if place in stale else "CURRENT", "StatusReason": stale.get(place)}
        for place in places_of(stack_set)
    ]})


def list_stack_set_auto_deployment_targets(self: CloudFormationResponse) -> ActionResult:
    """The OUs, each with its regions, whether there is an account or not."""
    stack_set = managed(self)
    return ActionResult({"Summaries": [
        {"OrganizationalUnitId": unit, "Regions": sorted(regions)}
        for unit, regions in sorted(targets[stack_set.id].items() if stack_set else ())
    ]})


def create_stack_set(original: Any, self: CloudFormationResponse) -> ActionResult:
    """Only an organization that trusts StackSets has those of the service's own."""
    if self._get_param("PermissionModel") != MANAGED:
        return original(self)
    if not trusts(organization(self.current_account), TRUSTED):
        message = "You must enable organizations access to operate a service managed stack set"
        raise ValidationError(message=message)
    answer = original(self)
    made = self.cloudformation_backend.describe_stack_set(self._get_param("StackSetName"))
    made.organizational_unit_ids, made.regions = [], []
    targets[made.id] = {}
    made.auto_deployment = self._get_params().get("AutoDeployment") or {"Enabled": False}
    return answer


def update_stack_set(original: Any, self: CloudFormationResponse) -> ActionResult:
    """Change the StackSet, and every stack of it."""
    answer = original(self)
    stack_set = managed(self)
    return ended(stack_set, "UPDATE", put(stack_set, places_of(stack_set))) if stack_set else answer


def create_stack_instances(original: Any, self: CloudFormationResponse) -> ActionResult:
    """Bring stacks to the OUs."""
    stack_set = managed(self)
    if not stack_set:
        return original(self)
    units, regions = units_of(self), regions_of(self)
    for unit in units:
        targets[stack_set.id].setdefault(unit, set()).update(regions)
    order = (self._get_params().get("OperationPreferences") or {}).get("RegionOrder") or regions
    accounts = accounts_below(organization(self.current_account), units)
    there = stacks.get(stack_set.id, {})
    places = [(account, region) for region in sorted(regions, key=order.index) for account in accounts]
    answer = ended(stack_set, "CREATE", put(stack_set, [place for place in places if place not in there]))
    seen(stack_set)
    return answer


def delete_stack_instances(original: Any, self: CloudFormationResponse) -> ActionResult:
    """Take stacks from the OUs."""
    stack_set = managed(self)
    if not stack_set:
        return original(self)
    units, regions = units_of(self), regions_of(self)
    for unit in units:
        targets[stack_set.id].get(unit, set()).difference_update(regions)
    targets[stack_set.id] = {unit: left for unit, left in targets[stack_set.id].items() if left}
    accounts = accounts_below(organization(self.current_account), units)
    places = [place for place in places_of(stack_set) if place[0] in accounts and place[1] in regions]
    answer = ended(stack_set, "DELETE", take(stack_set, places))
    seen(stack_set)
    return answer


def list_stack_set_operation_results(original: Any, self: CloudFormationResponse) -> ActionResult:
    """How an operation went in each place."""
    told = results.get(self._get_param("OperationId"))
    return ActionResult({"Summaries": told}) if told is not None else original(self)


def delete_stack_set(original: Any, self: CloudFormationResponse) -> Any:
    """Only an empty one can be deleted."""
    stack_set = managed(self)
    if stack_set and places_of(stack_set):
        stack_set.stack_instances.append(None)
    return original(self)


def describe_organizations_access(self: CloudFormationResponse) -> ActionResult:
    """Whether the organization trusts StackSets."""
    return ActionResult({"Status": "ENABLED" if trusts(organization(self.current_account), TRUSTED) else "DISABLED"})


def activate_organizations_access(self: CloudFormationResponse) -> EmptyResult:
    """Make the organization trust StackSets."""
    backend = organization(self.current_account)
    if not trusts(backend, TRUSTED):
        backend.enable_aws_service_access(ServicePrincipal=TRUSTED)
    return EmptyResult()


def move_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Stacks come with an account's new OU and go with its old one."""
    original(self, **kwargs)
    account = kwargs["AccountId"]
    for backend in cloudformation_backends[self.org.master_account_id].values() if self.org else ():
        for stack_set in [one for one in backend.stacksets.values() if is_managed(one) and one.status == "ACTIVE"]:
            if not stack_set.auto_deployment.get("Enabled"):
                continue
            wanted = {region for unit, regions in targets[stack_set.id].items()
                      if account in accounts_below(self, [unit]) for region in regions}
            there = {region for other, region in places_of(stack_set) if other == account}
            take(stack_set, [(account, region) for region in there - wanted])
            put(stack_set, [(account, region) for region in sorted(wanted - there)])
            seen(stack_set)


def install() -> None:
    """Make moto's service-managed StackSets real."""
    for wrapper in (create_stack_set, update_stack_set, create_stack_instances, delete_stack_instances,
                    list_stack_set_operation_results, list_stack_instances, delete_stack_set):
        around(CloudFormationResponse, wrapper.__name__, wrapper)
    lacking(
        CloudFormationResponse, "list_stack_set_auto_deployment_targets", list_stack_set_auto_deployment_targets
    )
    lacking(CloudFormationResponse, "describe_organizations_access", describe_organizations_access)
    lacking(CloudFormationResponse, "activate_organizations_access", activate_organizations_access)
    around(OrganizationsBackend, "move_account", move_account)
