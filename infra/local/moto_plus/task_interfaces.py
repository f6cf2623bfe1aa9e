"""The network interface of a task goes when the task stops; moto keeps it, and with it the subnet and the groups.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend

from .patch import around


def stop_task(original: Any, self: EC2ContainerServiceBackend, *args: Any, **kwargs: Any) -> Any:
    """Stop, and take the interfaces away."""
    task = original(self, *args, **kwargs)
    details = [detail for attachment in task.attachments for detail in attachment["details"]]
    for detail in details:
        if detail["name"] == "networkInterfaceId":
            ec2_backends[self.account_id][self.region_name].enis.pop(detail["value"], None)
    return task


def install() -> None:
    """Clean up after tasks."""
    around(EC2ContainerServiceBackend, "stop_task", stop_task)
