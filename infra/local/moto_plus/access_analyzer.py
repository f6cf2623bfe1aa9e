"""IAM Access Analyzer, which moto lacks as a whole: analyzers, one of each type in a region, that find nothing.

https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateAnalyzer.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.core.utils import utcnow
from moto.organizations.models import organizations_backends

from .paging import page
from .refusals import refuse

TYPES = (
    "ACCOUNT",
    "ORGANIZATION",
    "ACCOUNT_UNUSED_ACCESS",
    "ORGANIZATION_UNUSED_ACCESS",
    "ACCOUNT_INTERNAL_ACCESS",
    "ORGANIZATION_INTERNAL_ACCESS",
)
# The analyzers by account, region and name.
ANALYZERS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}


class AccessAnalyzerResponse(BaseResponse):
    """The service, in moto's manner."""

    def __init__(self) -> None:
        super().__init__(service_name="accessanalyzer")
        self.automated_parameter_parsing = True

    @property
    def analyzers(self) -> dict[str, dict[str, Any]]:
        """Those of the caller in the called region."""
        return ANALYZERS.setdefault((self.current_account, self.region), {})

    def create_analyzer(self) -> ActionResult:
        name, kind = self._get_param("analyzerName"), self._get_param("type")
        if kind not in TYPES:
            raise refuse("ValidationException", f"{kind} is not a type of analyzer.")
        if name in self.analyzers:
            raise refuse("ConflictException", f"An analyzer with the name {name} already exists.", 409)
        if any(analyzer["type"] == kind for analyzer in self.analyzers.values()):
            raise refuse("ServiceQuotaExceededException", f"There is an analyzer of type {kind} already.", 402)
        if kind.startswith("ORGANIZATION") and not administers(self.current_account):
            raise refuse("ValidationException", "The account may not create an organization's analyzer.")
        arn = f"arn:aws:access-analyzer:{self.region}:{self.current_account}:analyzer/{name}"
        self.analyzers[name] = {
            "arn": arn,
            "name": name,
            "type": kind,
            "createdAt": utcnow(),
            "status": "ACTIVE",
            "tags": self._get_param("tags") or {},
        }
        return ActionResult({"arn": arn})

    def get_analyzer(self) -> ActionResult:
        return ActionResult({"analyzer": self.named()})

    def list_analyzers(self) -> ActionResult:
        kind = self._get_param("type")
        found = [analyzer for analyzer in self.analyzers.values() if kind in (None, analyzer["type"])]
        listed = page("analyzers", found, self._get_param("nextToken"), self._get_param("maxResults"), most=100)
        return ActionResult({"nextToken" if name == "NextToken" else name: value for name, value in listed.items()})

    def delete_analyzer(self) -> EmptyResult:
        del self.analyzers[self.named()["name"]]
        return EmptyResult()

    def named(self) -> dict[str, Any]:
        """The analyzer that the call names."""
        name = self._get_param("analyzerName")
        if name not in self.analyzers:
            raise refuse("ResourceNotFoundException", f"The analyzer {name} does not exist.", 404)
        return self.analyzers[name]


def administers(account: str) -> bool:
    """Whether the account is the management account, or the service's delegated administrator."""
    if organizations_backends[account]["aws"].org:
        return True
    master = organizations_backends.master_accounts.get(account)
    admins = organizations_backends[master[0]][master[1]].admins if master else []
    return any(admin.account.id == account and "access-analyzer.amazonaws.com" in admin.services for admin in admins)
