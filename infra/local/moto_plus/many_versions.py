"""A bucket with years of history, from one call.

An object that is put with the metadata `local-versions` becomes that many versions, over a hundred keys: putting each of
20,000 would take a test longer than everything else it does.
"""

from __future__ import annotations

from typing import Any

from moto.s3.responses import S3Response

from .patch import around

WANTED = "x-amz-meta-local-versions"
KEYS = 100


def put_object(original: Any, self: S3Response, *args: Any, **kwargs: Any) -> Any:
    """Put the object, then its history."""
    answer = original(self, *args, **kwargs)
    for n in range(1, int(self.headers.get(WANTED, 1))):
        key = f"{self.parse_key_name()}-{n % KEYS}"
        self.backend.put_object(self.bucket_name, key, b"x", disable_notification=True)
    return answer


def install() -> None:
    """Watch for the wish."""
    around(S3Response, "put_object", put_object)
