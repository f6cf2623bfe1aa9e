"""Steps on the way to a delete that moto lacks: what is stopped, unprotected or taken out of a group first.

https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_StopApplication.html
https://docs.aws.amazon.com/network-firewall/latest/APIReference/API_UpdateFirewallDeleteProtection.html
https://docs.aws.amazon.com/directconnect/latest/APIReference/API_DisassociateConnectionFromLag.html
https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_DeleteBackup.html
"""

from __future__ import annotations

from typing import Any

from moto.cloudhsmv2.responses import CloudHSMV2Response
from moto.core.responses import ActionResult, BaseResponse
from moto.directconnect.responses import DirectConnectResponse
from moto.kinesisanalyticsv2.responses import KinesisAnalyticsV2Response
from moto.networkfirewall.responses import NetworkFirewallResponse

from .patch import asked, lacking, public
from .refusals import refuse


def known(things: dict[str, Any], name: str, error: str = "ResourceNotFoundException") -> Any:
    """The thing of this name."""
    if name not in things:
        raise refuse(error, f"There is no {name}.")
    return things[name]


class Applications:
    """Methods for `KinesisAnalyticsV2Response`, whose applications start for ever."""

    def stop_application(self: Any) -> ActionResult:
        applications = self.kinesisanalyticsv2_backend.applications
        known(applications, asked(self)["ApplicationName"]).application_status = "READY"
        return ActionResult({})


class Firewalls:
    """Methods for `NetworkFirewallResponse`."""

    def update_firewall_delete_protection(self: Any) -> ActionResult:
        params = asked(self)
        firewall = known(self.networkfirewall_backend.firewalls, params["FirewallArn"])
        firewall.delete_protection = params["DeleteProtection"]
        return ActionResult({"FirewallArn": firewall.arn, "DeleteProtection": firewall.delete_protection})

    def delete_firewall(self: Any) -> ActionResult:
        firewalls = self.networkfirewall_backend.firewalls
        firewall = known(firewalls, asked(self)["FirewallArn"])
        if firewall.delete_protection:
            raise refuse("InvalidOperationException", "The firewall is protected from deletion.")
        del firewalls[firewall.arn]
        return ActionResult({"Firewall": {"FirewallName": firewall.firewall_name, "FirewallArn": firewall.arn}})


class Lines:
    """Methods for `DirectConnectResponse`: a connection leaves its group, and stays."""

    def disassociate_connection_from_lag(self: Any) -> ActionResult:
        params, backend = asked(self), self.directconnect_backend
        connection = known(backend.connections, params["connectionId"], "DirectConnectClientException")
        lag = known(backend.lags, params["lagId"], "DirectConnectClientException")
        connection.lag_id = None
        lag.connections = [one for one in lag.connections if one.connection_id != connection.connection_id]
        return ActionResult({"connectionId": connection.connection_id, "connectionState": "requested"})


class Backups:
    """Methods for `CloudHSMV2Response`: a backup can be restored for a week."""

    def delete_backup(self: Any) -> ActionResult:
        backups = self.cloudhsmv2_backend.backups
        backup = known(backups, asked(self)["BackupId"], "CloudHsmResourceNotFoundException")
        backup.backup_state = "PENDING_DELETION"
        return ActionResult({"Backup": {"BackupId": backup.backup_id, "BackupState": backup.backup_state}})


# The class that answers for the service, and the steps that it lacks.
STEPS: tuple[tuple[type[BaseResponse], type], ...] = (
    (CloudHSMV2Response, Backups),
    (DirectConnectResponse, Lines),
    (KinesisAnalyticsV2Response, Applications),
    (NetworkFirewallResponse, Firewalls),
)


def install() -> None:
    """Give moto what it lacks; fails at start-up when moto has it by now."""
    for responses, steps in STEPS:
        for name, method in public(steps).items():
            lacking(responses, name, method)
