"""Resource Explorer, which moto lacks as a whole: one index, which finds what Cloud Control made.

An account without an index is not set up. https://docs.aws.amazon.com/resource-explorer/latest/apireference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse

from .cloud_control import ACCOUNTS, arn_of
from .paging import page
from .refusals import refuse

# What one search finds at most.
MOST = 1000
# The region and type of the index, by account.
INDEXES: dict[str, tuple[str, str]] = {}


class ResourceExplorerResponse(BaseResponse):
    """The service, in moto's manner."""

    def __init__(self) -> None:
        super().__init__(service_name="resource-explorer-2")
        self.automated_parameter_parsing = True

    def create_index(self) -> ActionResult:
        if self.current_account in INDEXES:
            raise refuse("ConflictException", "There is an index.", 409)
        INDEXES[self.current_account] = (self.region, "AGGREGATOR")
        return ActionResult({"Arn": self.arn(self.region), "State": "CREATING"})

    def list_indexes(self) -> ActionResult:
        known = [INDEXES[self.current_account]] if self.current_account in INDEXES else []
        found = [{"Arn": self.arn(region), "Region": region, "Type": kind} for region, kind in known]
        return ActionResult({"Indexes": found})

    def list_views(self) -> ActionResult:
        return ActionResult({"Views": []})

    def search(self) -> ActionResult:
        if INDEXES.get(self.current_account, ("", ""))[0] != self.region:
            raise refuse("UnauthorizedException", "There is no default view in the region.", 401)
        query = self._get_param("QueryString") or ""
        found = [shown for shown in self.resources() if query in ("", f"region:{shown['Region']}")]
        size = self._get_param("MaxResults")
        listed = page("Resources", found[:MOST], self._get_param("NextToken"), size, most=100)
        count = {"Complete": len(found) < MOST, "TotalResources": min(len(found), MOST)}
        return ActionResult({**listed, "Count": count})

    def resources(self) -> list[dict[str, Any]]:
        """Everything of the account."""
        return [
            {
                "Arn": arn_of(account, region, key),
                "OwningAccountId": account,
                "Region": region,
                "CfnResourceType": key[0],
            }
            for (account, region), known in ACCOUNTS.items()
            if account == self.current_account
            for key in known.resources
        ]

    def arn(self, region: str) -> str:
        """The index's."""
        return f"arn:aws:resource-explorer-2:{region}:{self.current_account}:index/one"
