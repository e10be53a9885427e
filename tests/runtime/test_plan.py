"""Plans as text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.plan import Partition, Plan, Reason

_ids = st.integers(0, 500)
_tuples = st.lists(_ids, max_size=6).map(tuple)
_partitions = st.builds(
    Partition,
    _ids,
    _tuples,
    _tuples,
    _tuples,
    st.dictionaries(_ids, st.lists(_ids, max_size=4).map(tuple)),
)
_reasons = st.lists(
    st.builds(Reason, _ids, st.text(), st.text(), st.text(), st.text()), unique_by=lambda r: r.node
).map(lambda reasons: {r.node: r for r in reasons})
_plans = st.builds(
    Plan,
    _ids,
    _tuples,
    _reasons,
    st.lists(_partitions, max_size=3).map(tuple),
    st.lists(st.text()).map(tuple),
)


@given(_plans)
def test_round_trip(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan


def test_a_reason_reads_as_a_sentence() -> None:
    reason = Reason(12, "AVERAGE_POOL_2D", "activation", "fused TANH", "export the model with RELU")
    assert str(reason) == "AVERAGE_POOL_2D #12: activation: fused TANH; export the model with RELU"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{}", '{"subgraph":0,"claimed":3,"reasons":[],"partitions":[],"notes":[]}',
     '{"subgraph":0,"claimed":[],"reasons":[[1]],"partitions":[],"notes":[]}',
     '{"subgraph":0,"claimed":[],"reasons":[],"partitions":[{}],"notes":[]}'],
)  # fmt: skip
def test_other_text_is_no_plan(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a p|Expecting"):
        Plan.from_json(text)


def test_shapes_are_written_in_order() -> None:
    one, two = (
        Partition(0, (1,), (2,), (3,), dict(items))
        for items in (((2, (1,)), (3, ())), ((3, ()), (2, (1,))))
    )
    assert json.dumps(one.as_dict()) == json.dumps(two.as_dict())
