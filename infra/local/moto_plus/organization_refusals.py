"""Organizations' refusals that say why: several rules share one error code, and its `Reason` tells them apart.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html#API_AttachPolicy_Errors
"""

from __future__ import annotations

from moto.organizations.exceptions import OrganizationsClientError


def constraint(reason: str, message: str) -> OrganizationsClientError:
    """A limit or a rule of the organization that the call would break."""
    return with_reason("ConstraintViolationException", reason, message)


def invalid(reason: str, message: str) -> OrganizationsClientError:
    """A request that makes no sense."""
    return with_reason("InvalidInputException", reason, message)


def with_reason(code: str, reason: str, message: str) -> OrganizationsClientError:
    """An error with a reason; moto serializes attributes that the error's model has."""
    problem = OrganizationsClientError(code, message)
    problem.Reason = reason
    return problem
