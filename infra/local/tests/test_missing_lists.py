"""What moto makes and deletes can be listed here."""

from __future__ import annotations

import unittest

from .support import Caller, member


class MissingLists(unittest.TestCase):
    def setUp(self) -> None:
        self.client = lambda service: Caller().assume(member("lists"))(service, "us-east-1")

    def test_profiles_are_listed_until_they_are_cancelled(self) -> None:
        signer = self.client("signer")
        for name in ("kept", "cancelled"):
            signer.put_signing_profile(profileName=name, platformId="AWSLambda-SHA384-ECDSA")
        signer.cancel_signing_profile(profileName="cancelled")
        self.assertEqual(["kept"], [one["profileName"] for one in signer.list_signing_profiles()["profiles"]])

    def test_channels_are_listed_by_their_group(self) -> None:
        package = self.client("mediapackagev2")
        for group in ("one", "two"):
            package.create_channel_group(ChannelGroupName=group)
            package.create_channel(ChannelGroupName=group, ChannelName=f"of-{group}")
        self.assertEqual(["of-two"], [one["ChannelName"] for one in package.list_channels(ChannelGroupName="two")["Items"]])

    def test_the_schemas_of_all_registries_are_listed(self) -> None:
        glue = self.client("glue")
        definition = '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}'
        for name in ("one", "two"):
            glue.create_registry(RegistryName=name)
            schema = {"SchemaName": f"of-{name}", "DataFormat": "JSON", "Compatibility": "NONE"}
            glue.create_schema(RegistryId={"RegistryName": name}, SchemaDefinition=definition, **schema)
        self.assertEqual(["of-one", "of-two"], [one["SchemaName"] for one in glue.list_schemas()["Schemas"]])

    def test_everything_else_is_listed_with_what_names_it(self) -> None:
        config = self.client("appconfig")
        made = config.create_application(Name="acme", Description="")["Id"]
        self.assertEqual([made], [one["Id"] for one in config.list_applications()["Items"]])
        code = self.client("codecommit")
        code.create_repository(repositoryName="acme", repositoryDescription="")
        self.assertEqual(["acme"], [one["repositoryName"] for one in code.list_repositories()["repositories"]])
        emr = self.client("emr")
        emr.create_security_configuration(Name="acme", SecurityConfiguration="{}")
        self.assertEqual(["acme"], [one["Name"] for one in emr.list_security_configurations()["SecurityConfigurations"]])
        maker = self.client("sagemaker")
        maker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="acme")
        listed = maker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
        self.assertEqual(["acme"], [one["NotebookInstanceLifecycleConfigName"] for one in listed])


if __name__ == "__main__":
    unittest.main()
