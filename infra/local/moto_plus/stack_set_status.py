"""Stack sets are listed by their status where a caller asks for one; moto lists the deleted ones, too.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackSets.html
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from .patch import around


def list_stack_sets(original: Any, self: CloudFormationResponse) -> ActionResult:
    """Those of the status that was asked for."""
    listed, asked = list(original(self).result["Summaries"]), self._get_param("Status")
    return ActionResult({"Summaries": [one for one in listed if asked in (None, one.status)]})


def install() -> None:
    """Read the parameter."""
    around(CloudFormationResponse, "list_stack_sets", list_stack_sets)
