"""Tests of the local stack: `python -m unittest discover -s infra/local/tests -t infra/local`."""
