"""`litefuse explain`: claims, refusals, and options that refuse."""

from __future__ import annotations

import json
from pathlib import Path

from litefuse.cli import explain
from tests.cli.commands import MODEL, run, unsupported_model


def test_explain_says_fully_delegated() -> None:
    found = json.loads(run(explain.command, MODEL, "--json").output)[0]
    assert found["fully_delegated"]
    assert (found["claimed"], found["partitions"], len(found["nodes"])) == (10, 1, 10)
    assert (
        "10 of 10 nodes claimed, 1 partition, fully delegated: yes"
        in run(explain.command, MODEL).output
    )


def test_explain_names_rule_value_and_remedy(tmp_path: Path) -> None:
    found = json.loads(
        run(explain.command, unsupported_model(tmp_path / "m.tflite"), "--json").output
    )
    (graph,) = found
    assert [node["claimed"] for node in graph["nodes"]] == [True, False, True]
    refused = graph["nodes"][1]
    assert refused["value"] == "Mystery"
    assert refused["rule"]
    assert refused["remedy"]


def test_options_reach_the_plan() -> None:
    found = json.loads(run(explain.command, MODEL, "-O", "deny_ops=ADD", "--json").output)[0]
    refused = [node for node in found["nodes"] if not node["claimed"]]
    assert [(node["op"], node["rule"]) for node in refused] == [("ADD", "deny_ops")]
