"""Budgets that have been spent from.

An emulator has no bills, so a budget's spend is set through `POST /_local/spend` and merged into what DescribeBudget
and DescribeBudgets answer. An account sees its own budgets only, and naming another one is refused, as on AWS.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from .call import Call
from .errors import error
from .proxy import Answer


class Spend:
    """What has been spent, by account and budget."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """`{"account", "budget", "actual", "forecast"}`: set a budget's spend; either amount may be missing."""
        unknown = set(order) - {"account", "budget", "actual", "forecast"}
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        amounts = {name: str(float(order[name])) for name in ("actual", "forecast") if name in order}
        known = self._known.setdefault((order["account"], order["budget"]), {})
        known.update(amounts)
        return {"account": order["account"], "budget": order["budget"], **known}

    def merged(self, call: Call, answer: Answer) -> Answer:
        """The answer, with the spend in it."""
        if (
            call.service != "budgets"
            or call.action not in ("DescribeBudget", "DescribeBudgets")
            or answer.status != 200
        ):
            return answer
        body = json.loads(answer.body)
        for budget in [body["Budget"]] if "Budget" in body else body.get("Budgets", []):
            self._fill(budget, call.account)
        return Answer(answer.status, answer.headers, json.dumps(body).encode())

    def _fill(self, budget: dict[str, Any], account: str) -> None:
        spent = self._known.get((account, budget["BudgetName"]), {})
        unit = budget.get("BudgetLimit", {}).get("Unit", "USD")
        for name, field in (("actual", "ActualSpend"), ("forecast", "ForecastedSpend")):
            if name in spent:
                budget.setdefault("CalculatedSpend", {})[field] = {"Amount": spent[name], "Unit": unit}


def refusal(call: Call, body: bytes) -> web.Response | None:
    """The answer to a call that names another account."""
    if call.service != "budgets":
        return None
    named = json.loads(body or b"{}").get("AccountId", call.account)
    if named == call.account:
        return None
    message = f"Account {call.account} is not authorized to perform operation for account {named}"
    return error(call, 400, "AccessDeniedException", message)
