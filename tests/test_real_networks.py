"""What users do to a delegated network: resize it, share a delegate, choose nodes, profile."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litefuse
from litefuse.runtime.model import read_model
from tests.runtime.litert.models import feed, make_interpreter

VWW = "mlperf-tiny-vww-96-float"
KWS = "mlperf-tiny-kws-ref-model"
RESNET = "mlperf-tiny-pretrainedresnet-large-int8"


def network(corpus: Path, name: str) -> str:
    return str(corpus / "networks" / f"{name}.tflite")


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    """Integers in every bit, floats within 1e-5 of the range."""
    for mine, reference in zip(ours, theirs, strict=True):
        assert mine.shape == reference.shape
        tolerance = 1e-5 * np.ptp(reference) if reference.dtype.kind == "f" else 0
        np.testing.assert_allclose(mine, reference, rtol=0, atol=tolerance)


def resized(interpreter: Any, shape: tuple[int, ...]) -> list[np.ndarray]:
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
    return feed(interpreter)


@pytest.mark.parametrize("inside", ["LiteRT", "ours"])
def test_a_segmenter_at_several_sizes(corpus: Path, inside: str) -> None:
    path = network(corpus, "mp-body-pix-float-050-8")
    delegate = litefuse.Delegate()
    plain = make_interpreter(path)
    if inside == "LiteRT":
        interpreter = make_interpreter(path, [delegate])
    else:
        interpreter = litefuse.Interpreter(path, experimental_delegates=[delegate])
    for shape in ((1, 65, 97, 3), (1, 129, 65, 3), (1, 65, 97, 3), (2, 33, 33, 3)):
        same(resized(interpreter, shape), resized(plain, shape))
        assert delegate.is_fully_delegated


@pytest.mark.parametrize("name", ["mobilenet_v2_f32", "mobilenet_v2_int8"])
def test_mobilenet_at_another_size_and_batch(zoo: Path, name: str) -> None:
    path = zoo / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"build/zoo has no {name}")
    delegate = litefuse.Delegate(num_threads=2)
    interpreter, plain = make_interpreter(str(path), [delegate]), make_interpreter(str(path))
    for shape in ((1, 96, 96, 3), (3, 64, 96, 3), (1, 96, 96, 3)):
        same(resized(interpreter, shape), resized(plain, shape))
        assert delegate.is_fully_delegated
        assert len(delegate.partitions) == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_one_delegate_for_several_networks_at_once(corpus: Path, threads: int) -> None:
    delegate = litefuse.Delegate(num_threads=threads)
    paths = [network(corpus, name) for name in (VWW, KWS, RESNET, KWS)]
    interpreters = [make_interpreter(path, [delegate]) for path in paths]
    expected = [feed(make_interpreter(path)) for path in paths]
    for interpreter in interpreters:
        feed(interpreter)
    failures: list[str] = []

    def work(interpreter: Any, wanted: list[np.ndarray]) -> None:
        try:
            for _ in range(20):
                interpreter.invoke()
                outputs = interpreter.get_output_details()
                same([interpreter.get_tensor(d["index"]) for d in outputs], wanted)
        except Exception as error:
            failures.append(str(error))

    workers = [
        threading.Thread(target=work, args=pair)
        for pair in zip(interpreters, expected, strict=True)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


@pytest.mark.parametrize("name", [VWW, KWS, RESNET])
def test_profiles_tell_every_node_through_fusion(corpus: Path, manifest: Any, name: str) -> None:
    delegate = litefuse.Delegate()
    interpreter = make_interpreter(network(corpus, name), [delegate])
    feed(interpreter)
    (profile,) = delegate.profile(3)
    operators = read_model(network(corpus, name)).subgraphs[0].operators
    timed = {node for step in profile.steps for node in step.nodes}
    silent = {i for i, op in enumerate(operators) if op.name == "RESHAPE"}
    assert set(range(len(operators))) - silent <= timed <= set(range(len(operators)))
    for step in profile.steps:
        assert list(step.ops) == [operators[node].name for node in step.nodes]
    (record,) = [r for r in manifest if r["name"] == name]
    assert sum(step.macs for step in profile.steps) == record["macs"]
    assert sum(step.percent for step in profile.steps) == pytest.approx(100)


def test_full_delegation_of_a_network_can_be_required(corpus: Path) -> None:
    path = network(corpus, KWS)
    same(
        feed(make_interpreter(path, [litefuse.Delegate(require_full_delegation=True)])),
        feed(make_interpreter(path)),
    )
    picky = litefuse.Delegate(require_full_delegation=True, deny_ops="DEPTHWISE_CONV_2D")
    text = "4 of 13 nodes cannot be claimed: DEPTHWISE_CONV_2D #1: deny_ops: DEPTHWISE_CONV_2D"
    with pytest.raises(RuntimeError, match=text):
        make_interpreter(path, [picky])
    with pytest.raises(RuntimeError, match="4 of 13 nodes of subgraph 0 cannot be claimed"):
        litefuse.Interpreter(path, experimental_delegates=[picky]).allocate_tensors()


def test_limits_on_partitions_of_a_network(corpus: Path) -> None:
    # 0 conv | 1 dw 2 conv | ... | 7 dw | 8 conv, 9 pool, 10 reshape, 11 dense, 12 softmax
    path = network(corpus, KWS)
    expected = feed(make_interpreter(path))
    denied = {"deny_ops": "DEPTHWISE_CONV_2D"}
    cases: list[tuple[dict[str, Any], list[list[int]]]] = [
        ({}, [[0], [2], [4], [6], [8, 9, 10, 11, 12]]),
        ({"max_delegated_partitions": 1}, [[8, 9, 10, 11, 12]]),
        ({"min_nodes_per_partition": 2}, [[8, 9, 10, 11, 12]]),
        ({"last_delegate_node_index": 5}, [[0], [2], [4]]),
        ({"first_delegate_node_index": 5, "deny_nodes": (10,)}, [[6], [8, 9], [11, 12]]),
    ]
    for options, partitions in cases:
        delegate = litefuse.Delegate(**denied, **options)
        same(feed(make_interpreter(path, [delegate])), expected)
        assert sorted(list(p.node_ids) for p in delegate.partitions) == partitions
        claimed = sorted(record.node for record in delegate.explain() if record.claimed)
        assert claimed == sorted(node for nodes in partitions for node in nodes)


def test_allowing_some_of_a_network(corpus: Path) -> None:
    path = network(corpus, RESNET)
    expected = feed(make_interpreter(path))
    for options in (
        {"allow_ops": ("CONV_2D", "ADD")},
        {"allow_nodes": (0, 1, 2, 3)},
        {"allow_names": "*Relu*"},
    ):
        delegate = litefuse.Delegate(**options)
        same(feed(make_interpreter(path, [delegate])), expected)
        records = delegate.explain()
        assert 0 < sum(record.claimed for record in records) < len(records)
        assert {r.rule for r in records if not r.claimed} == set(options)
