"""What a function finds in its environment: what Lambda gives it, and the gateway as its endpoint.

ministack passes on its own environment, and lets every function act as the account's root. Here the session token names
the function's role, so that the gateway can log and answer as whom it acts:
`arn:aws:sts::111122223333:assumed-role/<role>/<function>`.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import os
from typing import Any

from ministack.services import lambda_svc

from .patch import around

# Of ministack's own environment; everything else of it stays with ministack.
KEPT = {"PATH", "LANG", "TMPDIR", "AWS_ENDPOINT_URL"}


def worker_env(original: Any, config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
    """The environment of one `bootstrap` process."""
    env = original(config, code_dir, port)
    own = (config.get("Environment") or {}).get("Variables") or {}
    for name in set(os.environ) - KEPT - set(own):
        if env.get(name) == os.environ[name]:
            del env[name]
    name, role = config["FunctionName"], config.get("Role", "").rsplit("/", 1)[-1]
    return env | {
        "AWS_SESSION_TOKEN": f"function/{role}/{name}",
        "AWS_LAMBDA_LOG_GROUP_NAME": (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "TZ": ":UTC",
    }


def install() -> None:
    """Give functions an environment of their own."""
    around(lambda_svc, "_provided_worker_env", worker_env)
