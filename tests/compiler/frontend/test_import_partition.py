"""Import: what becomes of nodes, constants, absent inputs; and every network of the corpus."""

from __future__ import annotations

import numpy as np
import pytest

from litefuse.compiler.frontend.import_partition import import_partition
from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.printer import print_module
from litefuse.compiler.ir.verifier import verify
from litefuse.compiler.ops import DIALECTS
from litefuse.runtime.model import ModelError, read_model
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.options import Options
from litefuse.runtime.plan import Partition
from tests.ir_harness import assert_round_trip, check


def imported(model, **options):
    plan = plan_subgraph(model, 0, Options.from_kwargs(**options))
    (partition,) = plan.partitions
    module = import_partition(model, partition)
    verify(module, DIALECTS)
    assert_round_trip(module)
    return module


def test_text():
    b = ModelBuilder()
    x = b.add_tensor("serving/image", (1, 4, 4, 2), "INT8", scale=0.5, zero_point=-3)
    w = b.add_tensor(
        "net/conv/filter;other", (3, 1, 1, 2), "INT8", np.zeros((3, 1, 1, 2), np.int8),
        scale=[0.5, 0.25, 0.125], zero_point=[0, 0, 0], quantized_dimension=0,
    )  # fmt: skip
    y = b.add_tensor("out", (1, 2, 2, 3), "INT8", scale=0.25, zero_point=1)
    b.add_op("CONV_2D", [x, w], [y], padding="SAME", stride_h=2, stride_w=2)
    check(
        print_module(imported(b.finish([x], [y])), locations=True),
        """
        // CHECK: "kern.func"() ({
        // CHECK-NEXT: ^bb0(%serving_image: tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:-3>>):
        // CHECK-NEXT: %conv_filter = "tfl.pseudo_const"() {value = dense<0> : tensor<3x1x1x2xsi8>}
        // CHECK-SAME: -> tensor<3x1x1x2x!quant.uniform<i8:f32:0, {0.5:0, 0.25:0, 0.125:0}>>
        // CHECK-NEXT: %0 = "tfl.no_value"() : () -> none
        // CHECK-NEXT: %out = "tfl.conv_2d"(%serving_image, %conv_filter, %0)
        // CHECK-SAME: padding = "SAME", stride_h = 2 : i64
        // CHECK-SAME: loc("CONV_2D"("subgraph0":0:0))
        // CHECK-NEXT: "kern.return"(%out)
        // CHECK: {sym_name = "main", arg_names = ["serving/image"], arg_tensors = array<i64: 0>
        // CHECK-SAME: result_names = ["out"], result_tensors = array<i64: 2>}
        """,
    )


def test_large_constants_stay_in_the_file():
    b = ModelBuilder()
    x = b.add_tensor("x", (4, 5), "FLOAT32")
    c = b.add_tensor("c", (4, 5), "FLOAT32", np.arange(20, dtype=np.float32).reshape(4, 5))
    y = b.add_tensor("y", (4, 5), "FLOAT32")
    b.add_op("ADD", [x, c], [y])
    model = read_model(b.finish_bytes([x], [y]))
    module = imported(model)
    constant = module.find("main").body.ops[0]["value"]
    assert isinstance(constant, Resource)
    assert np.shares_memory(constant.array, model.tensor_data(model.subgraphs[0].tensors[c]))


def _half_precision(denied_first: bool) -> ModelBuilder:
    """x -> [RELU6] -> FULLY_CONNECTED with weights behind DEQUANTIZE."""
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 4), "FLOAT32")
    h = b.add_tensor("h", (3, 4), "FLOAT16", np.ones((3, 4), np.float16))
    w = b.add_tensor("w", (3, 4), "FLOAT32")
    m = b.add_tensor("m", (1, 4), "FLOAT32")
    y = b.add_tensor("y", (1, 3), "FLOAT32")
    b.add_op("DEQUANTIZE", [h], [w])
    b.add_op("RELU6", [x], [m])
    b.add_op("FULLY_CONNECTED", [m, w], [y])
    b.set_io([x], [y])
    return b


def test_weights_from_another_partition_are_computed_anew():
    model = _half_precision(True).finish([0], [4])
    # As LiteRT may give it: the DEQUANTIZE ran in an earlier partition.
    partition = Partition(0, (2,), (2, 3), (4,), {2: (3, 4), 3: (1, 4), 4: (1, 3)})
    module = import_partition(model, partition)
    verify(module, DIALECTS)
    function = module.find("main")
    names = [op.name for op in function.body.ops]
    assert names == [
        "tfl.pseudo_const", "tfl.dequantize", "tfl.no_value", "tfl.fully_connected", "kern.return",
    ]  # fmt: skip
    assert len(function.body.args) == 2
    assert not function.body.args[0].uses
    assert isinstance(function.body.ops[0]["value"], Dense)


def test_half_precision_in_one():
    module = imported(_half_precision(False).finish([0], [4]))
    names = [op.name for op in module.find("main").body.ops]
    assert names.count("tfl.dequantize") == 1


def test_what_is_not_claimed_is_an_error():
    b = ModelBuilder()
    x = b.add_tensor("x", (2,), "FLOAT32")
    y = b.add_tensor("y", (3,), "FLOAT32")
    z = b.add_tensor("z", (2,), "FLOAT32")
    b.add_op("RELU", [x], [y])
    b.add_op("ABS", [x], [z])
    model = b.finish([x], [y, z])
    with pytest.raises(ValueError, match=r"RELU#0: the output must be \[2\]: y is \[3\]"):
        import_partition(model, Partition(0, (0,), (0,), (1,), {}))
    with pytest.raises(ValueError, match="ABS#1: litefuse has no such op"):
        import_partition(model, Partition(0, (1,), (0,), (2,), {}))
    with pytest.raises(ValueError, match="neither an input of the partition"):
        import_partition(model, Partition(0, (0,), (), (1,), {1: (2,)}))
    with pytest.raises(ValueError, match=r"makes its outputs \[2\]"):
        import_partition(model, Partition(0, (0,), (0,), (2,), {1: (2,)}))


def test_the_whole_corpus(corpus):
    """Every readable file plans, and every partition imports, verifies and round-trips."""
    planned = partitions = 0
    for path in sorted(corpus.rglob("*.tflite")):
        try:
            model = read_model(path)
        except ModelError:
            continue
        for number, subgraph in enumerate(model.subgraphs):
            plan = plan_subgraph(model, number, Options())
            assert set(plan.claimed) | set(plan.reasons) == set(range(len(subgraph.operators)))
            planned += 1
            for partition in plan.partitions:
                module = import_partition(model, partition)
                verify(module, DIALECTS)
                partitions += 1
                if len(partition.nodes) < 40:
                    assert_round_trip(module)
    assert planned > 300
    assert partitions > 200


NETWORKS = [
    "mlperf-tiny-vww-96-float", "mlperf-tiny-pretrainedresnet", "mlperf-tiny-pretrainedresnet-large-float",
    "mlperf-tiny-pretrainedresnet-large-int8", "mlperf-tiny-kws-ref-model", "mlperf-tiny-ad01-fp32",
    "mlperf-tiny-ad01-int8", "support-mobilenet-v1-0-25-224-1-default-1", "mp-body-pix-float-050-8",
    "mp-face-detection-front", "litert-blazeface-mlkit-v1", "mltk-visual-wake-words",
    "mltk-keyword-spotting-pacman-v3", "nxp-yolo-face-detect", "gles-face-detection-front-128-full-integer-quant",
    "stm-miniresnetv2-2stacks-64x50-tl-int8",
]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_one_partition(corpus, name):
    model = read_model(corpus / "networks" / f"{name}.tflite")
    plan = plan_subgraph(model, 0, Options())
    assert plan.reasons == {}
    assert len(plan.partitions) == 1


def test_the_mobilenets_of_the_zoo_are_one_partition_each(zoo):
    paths = [
        p for kind in ("f32", "f16", "int8") for p in zoo.glob(f"mobilenet_v[12]_{kind}.tflite")
    ]
    assert paths
    for path in sorted(paths):
        plan = plan_subgraph(read_model(path), 0, Options())
        assert plan.reasons == {}, path.name
        assert len(plan.partitions) == 1, path.name
