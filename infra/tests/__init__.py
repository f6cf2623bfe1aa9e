"""Tests of what is deployed: `python -m unittest discover -s infra/tests -t infra`, with `infra/requirements.txt`."""
