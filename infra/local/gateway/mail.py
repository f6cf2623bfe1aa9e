"""What SES took: `GET /_local/mail` shows each message as it was asked for, which no API of SES does."""

from __future__ import annotations

import json
from typing import Any

from .call import Call


class Mail:
    """Messages in the order in which they were taken."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def learn(self, call: Call, status: int, body: bytes) -> None:
        """Remember a message that was taken."""
        if (call.service, call.action) == ("ses", "SendEmail") and status == 200 and call.protocol == "rest-json":
            self.sent.append({"account": call.account, "region": call.region, **json.loads(body)})
