"""What moto makes and cannot take away can be taken away here."""

from __future__ import annotations

import unittest

from .support import Caller, code_of, member


class MissingDeletes(unittest.TestCase):
    def setUp(self) -> None:
        self.client = lambda service: Caller().assume(member("deletes"))(service, "us-east-1")

    def test_a_global_network_goes_after_its_core_networks_and_sites(self) -> None:
        manager = self.client("networkmanager")
        network = {"GlobalNetworkId": manager.create_global_network()["GlobalNetwork"]["GlobalNetworkId"]}
        site = manager.create_site(**network)["Site"]["SiteId"]
        core = manager.create_core_network(**network)["CoreNetwork"]["CoreNetworkId"]
        delete = lambda: manager.delete_global_network(**network)  # noqa: E731
        self.assertEqual("ConflictException", code_of(delete))
        manager.delete_core_network(CoreNetworkId=core)
        self.assertEqual("ConflictException", code_of(delete))
        manager.delete_site(**network, SiteId=site)
        self.assertEqual("ok", code_of(delete))
        self.assertEqual([], manager.describe_global_networks()["GlobalNetworks"])
        self.assertEqual("ResourceNotFoundException", code_of(delete))

    def test_a_service_network_goes_after_its_associations(self) -> None:
        lattice = self.client("vpc-lattice")
        network = lattice.create_service_network(name="acme-network")["id"]
        service = lattice.create_service(name="acme-service")["id"]
        association = lattice.create_service_network_service_association(
            serviceNetworkIdentifier=network, serviceIdentifier=service
        )["id"]
        for delete in (
            lambda: lattice.delete_service(serviceIdentifier=service),
            lambda: lattice.delete_service_network(serviceNetworkIdentifier=network),
        ):
            self.assertEqual("ConflictException", code_of(delete))
        lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=association)
        lattice.delete_service(serviceIdentifier=service)
        lattice.delete_service_network(serviceNetworkIdentifier=network)
        self.assertEqual(([], []), (lattice.list_services()["items"], lattice.list_service_networks()["items"]))

    def test_policies_of_one_name_are_told_apart_by_their_type(self) -> None:
        search = self.client("opensearchserverless")
        rules = '[{"ResourceType":"collection","Resource":["collection/acme"]}]'
        search.create_security_policy(name="acme", type="encryption", policy=f'{{"Rules":{rules},"AWSOwnedKey":true}}')
        search.create_security_policy(name="acme", type="network", policy=f'[{{"Rules":{rules},"AllowFromPublic":true}}]')
        search.delete_security_policy(name="acme", type="network")
        left = {kind: len(search.list_security_policies(type=kind)["securityPolicySummaries"]) for kind in KINDS}
        self.assertEqual({"encryption": 1, "network": 0}, left)

    def test_what_is_protected_runs_or_belongs_together_is_freed_first(self) -> None:
        walls = self.client("network-firewall")
        subnets = [{"SubnetId": "subnet-1"}]
        made = walls.create_firewall(FirewallName="acme", FirewallPolicyArn="acme", VpcId="vpc-1", SubnetMappings=subnets)
        wall = {"FirewallArn": made["Firewall"]["FirewallArn"]}
        self.assertEqual("InvalidOperationException", code_of(lambda: walls.delete_firewall(**wall)))
        walls.update_firewall_delete_protection(**wall, DeleteProtection=False)
        self.assertEqual("ok", code_of(lambda: walls.delete_firewall(**wall)))
        streams = self.client("kinesisanalyticsv2")
        name = {"ApplicationName": "acme"}
        streams.create_application(**name, RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole="acme")
        streams.stop_application(**name, Force=True)
        detail = streams.describe_application(**name)["ApplicationDetail"]
        self.assertEqual("READY", detail["ApplicationStatus"])
        lines = self.client("directconnect")
        lag = lines.create_lag(numberOfConnections=1, location="EqDC2", connectionsBandwidth="1Gbps", lagName="acme")
        line = lines.describe_connections()["connections"][0]
        lines.disassociate_connection_from_lag(connectionId=line["connectionId"], lagId=lag["lagId"])
        self.assertEqual([], lines.describe_lags(lagId=lag["lagId"])["lags"][0]["connections"])
        self.assertEqual("ok", code_of(lambda: lines.delete_lag(lagId=lag["lagId"])))

    def test_a_backup_that_is_deleted_can_be_restored_for_a_while(self) -> None:
        modules = self.client("cloudhsmv2")
        modules.create_cluster(HsmType="hsm2m.medium", SubnetIds=["subnet-1"])
        backup = modules.describe_backups()["Backups"][0]["BackupId"]
        modules.delete_backup(BackupId=backup)
        self.assertEqual(["PENDING_DELETION"], [one["BackupState"] for one in modules.describe_backups()["Backups"]])

    def test_what_is_not_there_is_refused_in_every_protocol(self) -> None:
        refusals = {
            "athena": lambda one: one.delete_named_query(NamedQueryId="00000000-0000-4000-8000-000000000000"),
            "cloudfront": lambda one: one.delete_key_group(Id="nothing"),
            "ec2": lambda one: one.delete_traffic_mirror_filter(TrafficMirrorFilterId="tmf-0"),
            "elasticache": lambda one: one.delete_cache_subnet_group(CacheSubnetGroupName="nothing"),
            "synthetics": lambda one: one.delete_canary(Name="nothing"),
        }
        said = {name: code_of(lambda name=name: refusals[name](self.client(name))) for name in refusals}
        expect = {
            "athena": "InvalidRequestException",
            "cloudfront": "NoSuchResource",
            "ec2": "InvalidTrafficMirrorFilterId.NotFound",
            "elasticache": "CacheSubnetGroupNotFoundFault",
            "synthetics": "ResourceNotFoundException",
        }
        self.assertEqual(expect, said)


KINDS = ("encryption", "network")


if __name__ == "__main__":
    unittest.main()
