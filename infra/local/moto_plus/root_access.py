"""Central root access: the features of the organization, AssumeRoot, and what a root session finds in a member account.

Member accounts have a root password, unless they are created while root credentials are managed centrally.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import IAMException, NotFoundException
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.sts.exceptions import STSClientError
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse

from .patch import add, around
from .state import kept
from .trusted_services import trusts

IAM = "iam.amazonaws.com"
CREDENTIALS, SESSIONS = "RootCredentialsManagement", "RootSessions"
TASK_POLICIES = "arn:aws:iam::aws:policy/root-task/"
TASKS = {
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
}


def organization_of(account: str) -> OrganizationsBackend | None:
    """The organization that the account manages, or may administer for IAM."""
    managed = organizations_backends[account]["aws"]
    if managed.org:
        return managed
    master = organizations_backends.master_accounts.get(account)
    if not master:
        return None
    organization = organizations_backends[master[0]][master[1]]
    admins = (admin for admin in organization.admins if IAM in admin.services)
    return organization if any(admin.account.id == account for admin in admins) else None


def features(organization: OrganizationsBackend) -> list[str]:
    """The enabled features, kept on moto's backend object."""
    return kept(organization, "root_features", list)


class RootFeatures:
    """Methods for `IamResponse`."""

    def list_organizations_features(self) -> ActionResult:
        return shown(administered(self.current_account))

    def enable_organizations_root_credentials_management(self) -> ActionResult:
        return enabled(self.current_account, CREDENTIALS)

    def enable_organizations_root_sessions(self) -> ActionResult:
        return enabled(self.current_account, SESSIONS)

    def disable_organizations_root_credentials_management(self) -> ActionResult:
        return enabled(self.current_account, CREDENTIALS, on=False)

    def disable_organizations_root_sessions(self) -> ActionResult:
        return enabled(self.current_account, SESSIONS, on=False)


def administered(account: str) -> OrganizationsBackend:
    """The organization, if the account may ask, and IAM is trusted."""
    organization = organization_of(account)
    if not organization and account not in organizations_backends.master_accounts:
        raise IAMException(
            "OrganizationNotFoundException", "The request was rejected because no organization is associated with you."
        )
    if not organization:
        raise IAMException(
            "AccountNotManagementOrDelegatedAdministratorException",
            "The account making the request is not the management account or delegated administrator account.",
        )
    if not trusts(organization, IAM):
        raise IAMException("ServiceAccessNotEnabledException", "Trusted access is not enabled for IAM.")
    return organization


def enabled(account: str, feature: str, on: bool = True) -> ActionResult:
    """Switch a feature, which it may already be."""
    organization = administered(account)
    others = [name for name in features(organization) if name != feature]
    organization.root_features = [*others, feature] if on else others
    return shown(organization)


def shown(organization: OrganizationsBackend) -> ActionResult:
    """What all of these operations answer."""
    return ActionResult({"OrganizationId": organization.org.id, "EnabledFeatures": features(organization)})


class RootSessions:
    """Methods for `TokenResponse`."""

    def assume_root(self) -> ActionResult:
        member = self._get_param("TargetPrincipal").removeprefix("arn:aws:iam::").removesuffix(":root")
        policy = self._get_param("TaskPolicyArn.arn") or ""
        organization = organization_of(self.current_account)
        if not may_assume_root(organization, member, policy):
            raise STSClientError("AccessDenied", f"not authorized to perform: sts:AssumeRoot on resource: {member}")
        role = sts_backends[member]["aws"].assume_role(
            region_name=self.region,
            role_session_name="root",
            role_arn=f"arn:aws:iam::{member}:root",
            policy=None,
            duration=int(self._get_param("DurationSeconds") or 900),
            external_id=None,
        )
        return ActionResult({"Credentials": role})


def may_assume_root(organization: OrganizationsBackend | None, member: str, policy: str) -> bool:
    """Whether the account is an open member, the task is one, and its feature is on."""
    task = policy.removeprefix(TASK_POLICIES)
    if not organization or task not in TASKS or policy == task:
        return False
    needed = CREDENTIALS if task.startswith("IAM") else SESSIONS
    accounts = (account for account in organization.accounts if account.id != organization.account_id)
    is_open = any(account.id == member and account.state == "ACTIVE" for account in accounts)
    return is_open and needed in features(organization)


def create_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """An account that comes without a root password when the organization says so."""
    known = {account.id for account in self.accounts}
    answer = original(self, **kwargs)
    if CREDENTIALS in features(self):
        for account in self.accounts:
            if account.id not in known:
                iam_backends[account.id]["aws"].root_password = False
    return answer


def root_asks(response: IamResponse) -> bool:
    """Whether the call is about the root user: it is the root's, and names nobody."""
    caller = response.headers.get("x-local-caller", "")
    return caller.endswith(":root") and not response._get_param("UserName")


def get_login_profile(original: Any, self: IamResponse) -> ActionResult:
    """The root's password, or a user's."""
    if not root_asks(self):
        return original(self)
    need_password(self)
    return ActionResult({"LoginProfile": {"CreateDate": "2026-01-01T00:00:00Z", "PasswordResetRequired": False}})


def delete_login_profile(original: Any, self: IamResponse) -> ActionResult:
    """Forget the root's password, or a user's."""
    if not root_asks(self):
        return original(self)
    need_password(self)
    self.backend.root_password = False
    return EmptyResult()


def need_password(response: IamResponse) -> None:
    """Refuse when the root has no password."""
    if not getattr(response.backend, "root_password", True):
        raise NotFoundException("Login Profile for User root cannot be found.")


def nothing_of_root(field: str) -> Any:
    """An operation that lists what a root user does not have here: keys, devices, certificates."""

    def listed(original: Any, self: IamResponse) -> ActionResult:
        return ActionResult({field: [], "IsTruncated": False}) if root_asks(self) else original(self)

    return listed


def install() -> None:
    """Give moto the features, the sessions, and what they look at."""
    add(IamResponse, RootFeatures)
    add(TokenResponse, RootSessions)
    around(OrganizationsBackend, "create_account", create_account)
    around(IamResponse, "get_login_profile", get_login_profile)
    around(IamResponse, "delete_login_profile", delete_login_profile)
    around(IamResponse, "list_access_keys", nothing_of_root("AccessKeyMetadata"))
    around(IamResponse, "list_mfa_devices", nothing_of_root("MFADevices"))
    around(IamResponse, "list_signing_certificates", nothing_of_root("Certificates"))
