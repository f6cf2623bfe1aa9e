"""What tools that know nothing of this repository say of the templates: cfn-lint and checkov."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from tests.templates import INFRA, TEMPLATES, load, walk

TOOLS = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    # checkov would ask its maker's service for guidelines and its own news.
    quiet = {"LOG_LEVEL": "ERROR", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false", "BC_SKIP_MAPPING": "TRUE"}
    return subprocess.run(
        [sys.executable, str(TOOLS / command[0]), *command[1:]],
        cwd=INFRA, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=300, check=False,
    )


class Judges(unittest.TestCase):
    maxDiff = None

    def test_cfn_lint_has_nothing_to_say(self) -> None:
        said = run("cfn-lint", "--", *TEMPLATES)
        self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)

    def test_checkov_finds_nothing_that_is_not_excused_in_place(self) -> None:
        files = [word for name in TEMPLATES for word in ("--file", name)]
        said = run("checkov", "--framework", "cloudformation", "--skip-download", "--quiet", "--output", "json", *files)
        report = json.loads(said.stdout)
        failed = [
            f"{check['file_path']} {check['resource']}: {check['check_id']} {check['check_name']}"
            for check in report["results"]["failed_checks"]
        ]
        self.assertEqual(failed, [])
        self.assertGreater(report["summary"]["passed"], 40)
        self.assertEqual(report["summary"]["parsing_errors"], 0)

    def test_every_excuse_is_a_sentence(self) -> None:
        excuses = 0
        for name in TEMPLATES:
            for part in walk(load(name)):
                for skip in part.get("skip", []) if isinstance(part, dict) and "skip" in part else []:
                    excuses += 1
                    self.assertRegex(skip["id"], r"^CKV2?_AWS_\d+$", name)
                    self.assertTrue(re.fullmatch(r"[A-Z`].{24,}\.?", skip["comment"]), f"{name}: {skip}")
        self.assertGreater(excuses, 0)


if __name__ == "__main__":
    unittest.main()
