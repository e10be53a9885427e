"""Small graphs through TensorFlow's own converter, in every quantisation it has for them.

    build/zoo-venv/bin/python tests/tools/make_graphs.py build/graphs [NAME...]
    python -m tests.networks.reference_sweep build/graphs

The first needs TensorFlow (the environment that makes the zoo has it), the second compares the files
with LiteRT: layers, control flow, state, tables, signal processing, and what else programs are made
of. Each file is made in a process of its own, since the converter ends some of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tensorflow import keras

L = keras.layers
ALL = ("f32", "dyn", "f16", "int8", "int16x8")
FLOATS = ("f32", "dyn", "f16")
QUANTISED = ("f32", "int8", "int16x8")
BYTES = ("f32", "int8")
SECONDS = 90

R = np.random.default_rng(0)


def weights(*shape: int) -> tf.Tensor:
    return tf.constant(R.normal(size=shape).astype("f4"))


# Keras layers: what makes the output from the input, the input's shape, and the quantisations.
LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...], Sequence[str]]] = {
    "lstm": (lambda x: L.Dense(4, activation="softmax")(L.LSTM(16)(x)), (12, 8), FLOATS),
    "lstm_sequence": (lambda x: L.LSTM(16, return_sequences=True)(x), (12, 8), FLOATS),
    "lstm_unrolled": (lambda x: L.LSTM(8, unroll=True)(x), (5, 6), ALL),
    "gru": (lambda x: L.GRU(12)(x), (10, 6), FLOATS),
    "simple_rnn": (lambda x: L.SimpleRNN(12, return_sequences=True)(x), (10, 6), FLOATS),
    "both_ways": (lambda x: L.Bidirectional(L.LSTM(10, return_sequences=True))(x), (9, 6), FLOATS),
    "conv_lstm": (lambda x: L.ConvLSTM2D(4, 3, padding="same")(x), (4, 6, 6, 2), FLOATS),
    "attention": (
        lambda x: L.LayerNormalization()(L.MultiHeadAttention(2, 8)(x, x) + x),
        (10, 16),
        ALL,
    ),
    "feed_forward": (
        lambda x: L.Dense(16)(L.Activation("gelu")(L.Dense(32)(L.LayerNormalization()(x)))),
        (12, 16),
        ALL,
    ),
    "conv_3d": (
        lambda x: L.GlobalAveragePooling3D()(L.Conv3DTranspose(4, 3, strides=2)(L.Conv3D(6, 3)(x))),
        (6, 7, 8, 3),
        FLOATS,
    ),
    "separable": (
        lambda x: L.SeparableConv2D(8, 3, activation="swish")(L.Conv2D(6, 5, strides=2)(x)),
        (16, 16, 3),
        ALL,
    ),
    "dilated": (
        lambda x: L.Conv1D(8, 3, dilation_rate=4, padding="causal", activation="tanh")(
            L.Conv1D(8, 3, dilation_rate=2, padding="same", activation="elu")(x)
        ),
        (32, 4),
        ALL,
    ),
    "up_and_down": (
        lambda x: L.Concatenate()(
            [
                x,
                L.Conv2DTranspose(4, 3, strides=2, padding="same")(
                    L.MaxPool2D()(L.Conv2D(4, 3, padding="same", activation="leaky_relu")(x))
                ),
            ]
        ),
        (16, 16, 3),
        ALL,
    ),
    "upsampling": (
        lambda x: L.UpSampling2D(3)(L.UpSampling2D(2, interpolation="bilinear")(x)),
        (5, 5, 3),
        ALL,
    ),
    "prelu": (lambda x: L.PReLU()(L.Conv2D(4, 3)(x)), (8, 8, 3), ALL),
    "groups": (lambda x: L.Conv2D(8, 3, groups=2)(L.Conv2D(4, 3)(x)), (10, 10, 3), ALL),
    "group_norm": (lambda x: L.GroupNormalization(2)(L.Conv2D(4, 3)(x)), (10, 10, 3), FLOATS),
    "depthwise": (
        lambda x: L.ReLU(6)(L.DepthwiseConv2D(3, depth_multiplier=3, strides=2)(x)),
        (11, 11, 4),
        ALL,
    ),
    "cropping": (
        lambda x: L.Cropping2D(((1, 0), (2, 1)))(L.ZeroPadding2D(((0, 1), (2, 0)))(x)),
        (11, 13, 3),
        ALL,
    ),
    "squeeze_excite": (
        lambda x: (
            x
            * L.Reshape((1, 1, 8))(
                L.Dense(8, activation="hard_sigmoid")(
                    L.Dense(2, activation="relu")(L.GlobalAveragePooling2D()(x))
                )
            )
        ),
        (8, 8, 8),
        ALL,
    ),
}

X3, X4 = (3, 4), (1, 4, 6, 3)
# Functions of tensors: the function, the inputs' shapes (None: any size; an "i" behind: int32).
FUNCTIONS: dict[str, tuple[Callable[..., Any], Sequence[Any], Sequence[str]]] = {
    "cond": (lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1), [X3], ("f32",)),
    "while": (
        lambda x: tf.while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, tf.sin(y)), [0, x])[1],
        [X3],
        ("f32",),
    ),
    "any_batch": (
        lambda x: tf.nn.softmax(tf.reshape(x, [tf.shape(x)[0], -1]) @ weights(12, 5)),
        [(None, 3, 4)],
        FLOATS,
    ),
    "einsum": (lambda x, y: tf.einsum("bij,bkj->bik", x, y), [(2, 3, 4), (2, 5, 4)], ("f32",)),
    "matmul": (
        lambda x, y: tf.matmul(x, y, transpose_b=True),
        [(2, 3, 8), (2, 5, 8)],
        QUANTISED,
    ),
    "suppression": (
        lambda b, s: tf.image.non_max_suppression_with_scores(b, s, 5, soft_nms_sigma=0.5),
        [(9, 4), (9,)],
        ("f32",),
    ),
    "spectrum": (
        lambda x: tf.abs(tf.signal.stft(x, 32, 16, fft_length=32)),
        [(1, 128)],
        ("f32",),
    ),
    "segments": (
        lambda x: tf.math.unsorted_segment_max(x, tf.constant([0, 1, 0]), 4),
        [X3],
        ("f32",),
    ),
    "scatter": (
        lambda x: tf.scatter_nd(tf.constant([[1], [3], [0]]), x, [5, 4]),
        [X3],
        ("f32",),
    ),
    "gather": (lambda x: tf.gather_nd(x, tf.constant([[0, 1], [2, 2]])), [(3, 4, 2)], BYTES),
    "order": (lambda x: (tf.sort(x), tf.math.top_k(x, 2), tf.where(x > 0)), [X3], ("f32",)),
    "slices": (lambda x: x[:, ::-2, tf.newaxis, ..., :3], [(1, 6, 5)], QUANTISED),
    "dynamic_slice": (lambda x, n: x[:, n : n + 2], [(3, 6), "i"], ("f32",)),
    "functions": (
        lambda x: tf.concat([tf.sin(x), tf.exp(x), tf.math.rsqrt(x * x + 1), tf.nn.gelu(x)], -1),
        [X3],
        FLOATS,
    ),
    "reductions": (
        lambda x: (tf.reduce_mean(x, 1), tf.reduce_max(x, 0), tf.reduce_prod(x), tf.cumsum(x, 1)),
        [X3],
        ("f32",),
    ),
    "activations": (
        lambda x: tf.concat([tf.nn.softmax(x), tf.sigmoid(x), tf.tanh(x), tf.nn.log_softmax(x)], 1),
        [X3],
        BYTES,
    ),
    "arithmetic": (
        lambda x, y: tf.nn.relu(x + y) * tf.maximum(x - y, tf.minimum(x, y)),
        [X4, X4],
        QUANTISED,
    ),
    "moves": (
        lambda x: tf.concat([tf.reverse(x, [1]), tf.tile(x[:, :2], [1, 2, 1, 1])], -1),
        [X4],
        QUANTISED,
    ),
    "blocks": (
        lambda x: tf.nn.space_to_depth(tf.nn.depth_to_space(x, 2), 4),
        [(1, 4, 4, 8)],
        BYTES,
    ),
    "resizing": (
        lambda x: (tf.image.resize(x, [9, 11]), tf.image.resize(x, [9, 11], "nearest")),
        [X4],
        QUANTISED,
    ),
    "splits": (lambda x: tf.split(x, [1, 2], -1) + tf.unstack(x, axis=1), [X4], QUANTISED),
    "fake_quantised": (
        lambda x: tf.quantization.fake_quant_with_min_max_args(x @ weights(4, 4), 0, 6),
        [X3],
        ("f32", "dyn"),
    ),
}


class Counter(tf.Module):
    """A variable that one signature adds to and another reads."""

    def __init__(self) -> None:
        self.sum = tf.Variable(tf.zeros([4]))

    @tf.function(input_signature=[tf.TensorSpec([4])])
    def add(self, x: Any) -> Any:
        return self.sum.assign_add(x) * 2.0

    @tf.function(input_signature=[])
    def read(self) -> Any:
        return self.sum.read_value()


def specification(given: Any) -> tf.TensorSpec:
    return tf.TensorSpec([], tf.int32) if given == "i" else tf.TensorSpec(given, tf.float32)


def traced(name: str) -> tuple[Any, list[tf.TensorSpec]]:
    """The concrete function and its inputs."""
    if name in FUNCTIONS:
        function, shapes, _ = FUNCTIONS[name]
        inputs = [specification(given) for given in shapes]
        return tf.function(function).get_concrete_function(*inputs), inputs
    make, shape, _ = LAYERS[name]
    keras.utils.set_random_seed(3)
    given = keras.Input(shape, batch_size=1)
    model = keras.Model(given, make(given))
    inputs = [tf.TensorSpec((1, *shape), tf.float32)]
    return tf.function(lambda x: model(x, training=False)).get_concrete_function(*inputs), inputs


def converted(name: str, mode: str) -> bytes:
    """The file's bytes."""
    if name == "counter":
        module = Counter()
        signatures = {"add": module.add, "read": module.read}
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module, folder, signatures=signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            converter.experimental_enable_resource_variables = True
            return bytes(converter.convert())
    function, inputs = traced(name)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    if mode != "f32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "f16":
        converter.target_spec.supported_types = [tf.float16]
    if mode in ("int8", "int16x8"):
        converter.representative_dataset = lambda: (
            [R.normal(size=[d or 3 for d in s.shape]).astype("f4") for s in inputs]
            for _ in range(10)
        )
        sets = tf.lite.OpsSet
        int8 = [sets.TFLITE_BUILTINS_INT8, sets.TFLITE_BUILTINS]
        int16 = [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            sets.TFLITE_BUILTINS,
        ]
        converter.target_spec.supported_ops = int8 if mode == "int8" else int16
    return bytes(converter.convert())


def made(path: Path, name: str, mode: str) -> str:
    """Make a file in a process of its own; what went wrong, or nothing."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            path.write_bytes(converted(name, mode))
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return "" if status == 0 else f"ended with {status}"
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return f"took more than {SECONDS} s"


def main(folder: Path, names: Sequence[str]) -> None:
    """Make the files of these names, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    every = {name: modes for name, (_, _, modes) in {**LAYERS, **FUNCTIONS}.items()}
    every["counter"] = ("f32",)
    for name, modes in every.items():
        for mode in modes if not names or name in names else ():
            path = folder / f"{name}_{mode}.tflite"
            wrong = made(path, name, mode)
            print(path.name, wrong or f"{path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
