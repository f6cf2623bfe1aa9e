"""Nobody broadcasts on IVS channels here, and AWS says so to who would stop a stream; moto lacks the call.
https://docs.aws.amazon.com/ivs/latest/LowLatencyAPIReference/API_StopStream.html
"""

from __future__ import annotations

from typing import Any

from moto.ivs import urls
from moto.ivs.responses import IVSResponse

from .patch import lacking
from .refusals import refuse


def stop_stream(self: Any) -> str:
    """There is none."""
    raise refuse("ChannelNotBroadcasting", "The channel is not broadcasting.", 404)


def install() -> None:
    """Add the call."""
    lacking(IVSResponse, "stop_stream", stop_stream)
    urls.url_paths["{0}/StopStream"] = IVSResponse.dispatch
