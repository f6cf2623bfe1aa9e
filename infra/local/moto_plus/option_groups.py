"""Option groups can be listed without a name.

moto reads the names of the parameters in another spelling than its own server passes them, and answers an empty list
with "not found".
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOptionGroups.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import OptionGroupNotFoundFaultError
from moto.rds.models import RDSBackend

from .patch import around

SPELLING = {
    "OptionGroupName": "option_group_name",
    "EngineName": "engine_name",
    "MajorEngineVersion": "major_engine_version",
}


def describe_option_groups(original: Any, self: RDSBackend, asked: dict[str, Any]) -> Any:
    """Respell the parameters; only a name that does not exist is an error."""
    respelled = {theirs: asked.get(ours, asked.get(theirs)) for ours, theirs in SPELLING.items()}
    try:
        return original(self, respelled)
    except OptionGroupNotFoundFaultError:
        if respelled["option_group_name"]:
            raise
        return []


def install() -> None:
    """Make the list usable."""
    around(RDSBackend, "describe_option_groups", describe_option_groups)
