"""Options: defaults, checks, text forms, and what allow/deny lists keep out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.errors import LitefuseError, OptionError
from litefuse.runtime.options import MAX_INDEX, OPTION_NAMES, Options


def test_defaults_claim_everything() -> None:
    options = Options()
    assert options.refusal(0, "CONV_2D", ["a"]) is None
    assert options.threads() == 1
    assert options.threads(3) == 3
    assert options.threads(-1) == 1
    assert options.replace(num_threads=2).threads(3) == 2


@pytest.mark.parametrize("kind", [TypeError, ValueError, LitefuseError])
def test_an_unknown_option_names_the_valid_ones(kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        Options.from_kwargs(num_thread=2)
    text = str(caught.value)
    assert text.startswith("unknown option 'num_thread' (did you mean 'num_threads'?)")
    assert all(name in text for name in OPTION_NAMES)


@pytest.mark.parametrize(
    ("name", "value", "want"),
    [
        ("num_threads", 0, "integer from 1 to 256 or None"),
        ("num_threads", 257, "integer from 1 to 256"),
        ("num_threads", True, "integer"),
        ("num_threads", 1.0, "integer"),
        ("max_delegated_partitions", -1, "integer from 0"),
        ("min_nodes_per_partition", "2", "integer"),
        ("first_delegate_node_index", None, "integer"),
        ("last_delegate_node_index", MAX_INDEX + 1, "integer"),
        ("allow_ops", 3, "sequence of strings"),
        ("deny_ops", ["ADD", 3], "sequence of strings"),
        ("deny_ops", [""], "none of them empty"),
        ("deny_names", {"a": 1}, "sequence of strings"),
        ("allow_nodes", "12", "node id"),
        ("deny_nodes", [-1], "node id"),
        ("deny_nodes", [True], "node id"),
        ("target", "arm", "x86-64-avx2"),
        ("cache_dir", 3, 'None for the default, or "" for no cache'),
        ("cache_dir", True, "a path"),
        ("cache_max_bytes", -1, "integer from 0"),
        ("numerics", "fast", "one of reference, strict"),
        ("dump_ir", "", "a path or None"),
        ("dump_ir", False, "a path"),
        ("profile", 1, "True or False"),
        ("require_full_delegation", "yes", "True or False"),
    ],
)
def test_a_bad_value_says_what_it_must_be(name: str, value: Any, want: str) -> None:
    with pytest.raises(OptionError, match=f"option {name} is ") as caught:
        Options.from_kwargs(**{name: value})
    assert want in str(caught.value)


def test_values_are_normalised() -> None:
    options = Options.from_kwargs(
        deny_ops="ADD",
        allow_nodes=range(3),
        deny_nodes=np.int64(4),
        cache_dir=Path("/x"),
        num_threads=np.int32(2),
    )
    assert options.deny_ops == ("ADD",)
    assert options.allow_nodes == (0, 1, 2)
    assert options.deny_nodes == (4,)
    assert options.cache_dir == "/x"
    assert type(options.num_threads) is int
    assert Options.from_kwargs(cache_dir=False).cache_dir == ""
    assert hash(options) == hash(options.replace())


def test_an_empty_node_range_is_an_error() -> None:
    with pytest.raises(OptionError, match=r"first_delegate_node_index 5 is above .*_index 4"):
        Options(first_delegate_node_index=5, last_delegate_node_index=4)


@pytest.mark.parametrize(
    ("options", "rule", "value"),
    [
        ({"first_delegate_node_index": 8}, "delegate_node_index", "node 7 is outside 8.."),
        ({"last_delegate_node_index": 6}, "delegate_node_index", "node 7 is outside 0..6"),
        ({"deny_ops": "ADD"}, "deny_ops", "ADD"),
        ({"allow_ops": ["MUL"]}, "allow_ops", "ADD"),
        ({"deny_nodes": 7}, "deny_nodes", "7"),
        ({"allow_nodes": [1]}, "allow_nodes", "7"),
        ({"deny_names": "block*/add"}, "deny_names", "'block1/add' matches 'block*/add'"),
        ({"allow_names": "head/*"}, "allow_names", "block1/add"),
        ({"deny_ops": "ADD", "allow_ops": "ADD"}, "deny_ops", "ADD"),
    ],
)
def test_refusals_name_rule_and_value(options: dict[str, Any], rule: str, value: str) -> None:
    found = Options.from_kwargs(**options).refusal(7, "ADD", ["block1/add"])
    assert found is not None
    assert (found.rule, value in found.value, bool(found.remedy)) == (rule, True, True)


def test_allowed_and_not_denied_is_claimed() -> None:
    options = Options(
        allow_ops=("ADD",), allow_nodes=(7,), allow_names=("block?/*",), deny_ops=("MUL",)
    )
    assert options.refusal(7, "ADD", ["block1/add"]) is None


def test_the_text_form_of_external_delegates() -> None:
    text = {
        "num_threads": "2",
        "deny-ops": "ADD, MUL",
        "allow_nodes": "1,2",
        "profile": "TRUE",
        "cache_max_bytes": "512M",
        "cache_dir": "",
        "target": "host",
        "dump_ir": "none",
    }
    assert Options.from_strings(text) == Options(
        num_threads=2,
        deny_ops=("ADD", "MUL"),
        allow_nodes=(1, 2),
        profile=True,
        cache_max_bytes=512 << 20,
        cache_dir="",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_threads", "has no value"),
        ("num_threads:two", "option num_threads is 'two'"),
        ("profile:maybe", "option profile is 'maybe'"),
        ("allow_nodes:1,x", "option allow_nodes"),
        ("num_threads:1;num_threads:2", "given twice"),
        ("num-threads:1;num_threads:2", "given twice"),
        ("treads:1", "unknown option 'treads'"),
    ],
)
def test_bad_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Options.parse(text)


def test_the_text_form_of_benchmark_model() -> None:
    assert Options.parse("") == Options()
    assert Options.parse(" num_threads:4; cache_dir:/a:b ;") == Options(
        num_threads=4, cache_dir="/a:b"
    )


@given(st.dictionaries(st.sampled_from(OPTION_NAMES), st.text(max_size=8)))
def test_any_text_gives_options_or_an_option_error(pairs: dict[str, str]) -> None:
    try:
        options = Options.from_strings(pairs)
    except OptionError:
        return
    assert options.replace() == options
