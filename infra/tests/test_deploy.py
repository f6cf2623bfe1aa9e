"""`infra/deploy.sh`, with an `aws` and a `forester` that only write down what they were asked."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.templates import INFRA, load

RECORD = '#!/bin/sh\necho "$(basename "$0") $*" >> "$SAID"\n'


class Deploy(unittest.TestCase):
    def setUp(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        here = Path(self.place.name)
        (here / "infra").mkdir()
        (here / "dist").mkdir()
        for name in ("deploy.sh", "template.yaml"):
            (here / "infra" / name).write_bytes((INFRA / name).read_bytes())
        self.file = here / "forester.yaml"
        self.file.write_text("version: 1\n", encoding="utf-8")
        self.package = here / "dist/account-baseline.zip"
        self.package.write_bytes(b"")
        self.said = here / "said"
        for name, body in (("aws", RECORD), ("forester", RECORD + 'test "$1" != "$BREAKS"\n')):
            (here / name).write_text(body, encoding="utf-8")
            (here / name).chmod(0o755)

    def run_it(self, *arguments: str, breaks: str = "") -> tuple[int, list[str], str]:
        here = Path(self.place.name)
        environment = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "SAID": str(self.said),
                       "FORESTER": "forester", "BREAKS": breaks}
        environment.pop("STACK", None)
        done = subprocess.run(["bash", str(here / "infra/deploy.sh"), *arguments], env=environment,
                              capture_output=True, text=True, timeout=60, check=False)
        lines = self.said.read_text(encoding="utf-8").splitlines() if self.said.exists() else []
        return done.returncode, [" ".join(line.split()[:3]) for line in lines], done.stderr

    def test_the_file_is_read_then_all_is_deployed_and_looked_at(self) -> None:
        code, said, _ = self.run_it("acme-forester", "AlarmTopic=arn:aws:sns:us-east-1:111122223333:on-call")
        self.assertEqual(code, 0)
        self.assertEqual(said, [
            "forester validate --config", "aws s3 cp", "aws cloudformation package", "aws cloudformation deploy",
            "aws cloudformation describe-stacks", "forester doctor --config",
        ])
        whole = self.said.read_text(encoding="utf-8")
        self.assertIn("ConfigUri=s3://acme-forester/forester/forester.yaml ConfigBucket=acme-forester AlarmTopic=", whole)

    def test_a_file_with_a_mistake_uploads_nothing(self) -> None:
        code, said, _ = self.run_it("acme-forester", breaks="validate")
        self.assertNotEqual(code, 0)
        self.assertEqual(said, ["forester validate --config"])

    def test_what_is_missing_is_said_before_anything_is_done(self) -> None:
        self.package.unlink()
        code, said, why = self.run_it("acme-forester")
        self.assertEqual((code, said), (1, []))
        self.assertIn("cargo xtask package", why)
        self.file.unlink()
        code, said, why = self.run_it("acme-forester")
        self.assertEqual((code, said), (1, []))
        self.assertIn("forester.example.yaml", why)
        self.assertEqual(self.run_it()[0], 2)

    def test_every_parameter_that_has_no_default_is_given(self) -> None:
        needed = {name for name, given in load("template.yaml")["Parameters"].items() if "Default" not in given}
        self.assertEqual(needed, {"ConfigUri", "ConfigBucket"})


if __name__ == "__main__":
    unittest.main()
