"""Delivery channels of Config have a bucket, which lets Config write when it is another account's.

moto takes any name for a bucket's.
https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html
"""

from __future__ import annotations

from typing import Any

from moto.config.responses import ConfigResponse

from . import delivery_buckets
from .patch import around
from .refusals import refuse

SERVICE = "config.amazonaws.com"


def put_delivery_channel(original: Any, self: ConfigResponse) -> Any:
    """A channel into a bucket that is there and open."""
    channel, account = self._get_param("DeliveryChannel"), self.current_account
    name = channel.get("s3BucketName")
    if self.config_backend.recorders and name:
        bucket = delivery_buckets.find(self, name)
        if not bucket:
            raise refuse("NoSuchBucketException", f"Cannot find a S3 bucket with the name {name}.")
        prefix = f"{channel['s3KeyPrefix']}/" if channel.get("s3KeyPrefix") else ""
        key = f"arn:aws:s3:::{name}/{prefix}AWSLogs/{account}/Config/ConfigWritabilityCheckFile"
        if bucket.account != account and not bucket.lets(SERVICE, "s3:PutObject", key, account):
            raise refuse("InsufficientDeliveryPolicyException", f"Insufficient delivery policy to s3 bucket: {name}.")
    return original(self)


def install() -> None:
    """Make moto look at the bucket."""
    around(ConfigResponse, "put_delivery_channel", put_delivery_channel)
