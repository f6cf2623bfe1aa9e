"""Writes what is derived from template.yaml: rules of forwarders, the Terraform module, the cost sheet."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

for command in (["forward.py"], ["terraform/generate.py"], ["cost.py", "--write"]):
    subprocess.run([sys.executable, str(HERE / command[0]), *command[1:]], check=True)
