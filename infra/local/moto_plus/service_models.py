"""Operations looked up by one call at a time.

moto's service model keeps each operation in the same cache, under the same key, as the botocore model that it extends. A
call that looks while another is between the two gets botocore's half, without what moto added, and fails.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.core.model import ServiceModel

from .patch import around

ONE_AT_A_TIME = threading.RLock()


def operation_model(original: Any, self: ServiceModel, *args: Any, **kwargs: Any) -> Any:
    """The operation, whole."""
    with ONE_AT_A_TIME:
        return original(self, *args, **kwargs)


def install() -> None:
    """Let one call in at a time."""
    around(ServiceModel, "operation_model", operation_model)
