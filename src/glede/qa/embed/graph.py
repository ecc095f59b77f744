"""The BERT encoder as an ONNX graph, built from weights in safetensors.

No published wheel carries MiniLM as ONNX, so the graph is assembled here from the operators of the
architecture (Devlin et al. 2019, BERT, section 3; post-layer-norm, GELU) with mean pooling over the
tokens and L2 normalisation (Reimers and Gurevych 2019, Sentence-BERT, section 3).

Inputs: ``input_ids`` and ``attention_mask``, int64 (batch, length). Output: ``vectors``, float32
(batch, hidden), of unit length.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 10


@dataclass(frozen=True, slots=True)
class BertShape:
    """The sizes in a BERT config.json."""

    layers: int
    heads: int
    hidden: int
    epsilon: float


class _Graph:
    """Nodes and constants under construction; each method returns the name of its result."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str, *, transposed: bool = False) -> str:
        if name not in self.constants:
            array = np.ascontiguousarray(self._weights[name].T if transposed else self._weights[name])
            self.constants[name] = numpy_helper.from_array(array.astype(np.float32), name)
        return name

    def constant(self, name: str, value: object, dtype: type[np.generic]) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def apply(self, operator: str, *inputs: str, **attributes: object) -> str:
        output = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def linear(self, value: str, layer: str) -> str:
        product = self.apply("MatMul", value, self.weight(f"{layer}.weight", transposed=True))
        return self.apply("Add", product, self.weight(f"{layer}.bias"))

    def layer_norm(self, value: str, layer: str, epsilon: float) -> str:
        weight, bias = self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")
        return self.apply("LayerNormalization", value, weight, bias, epsilon=epsilon)


def build_encoder(weights: Mapping[str, NDArray[np.float32]], shape: BertShape) -> bytes:
    """Assemble the graph and serialise it for onnxruntime."""
    graph = _Graph(weights)
    hidden = _embeddings(graph, shape)
    bias = _attention_bias(graph)
    for layer in range(shape.layers):
        hidden = _encoder_layer(graph, hidden, bias, f"encoder.layer.{layer}", shape)
    _pool(graph, hidden)
    batch = ["batch", "length"]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "bert",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, batch),
                helper.make_tensor_value_info("attention_mask", TensorProto.INT64, batch),
            ],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", shape.hidden])],
            list(graph.constants.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _embeddings(graph: _Graph, shape: BertShape) -> str:
    words = graph.apply("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    size = graph.apply("Shape", "input_ids", start=1, end=2)
    zero = graph.constant("zero", [0], np.int64)
    places = graph.apply("Slice", graph.weight("embeddings.position_embeddings.weight"), zero, size, zero)
    segment = graph.apply(
        "Gather",
        graph.weight("embeddings.token_type_embeddings.weight"),
        graph.constant("segment", 0, np.int64),
    )
    total = graph.apply("Add", graph.apply("Add", words, places), segment)
    return graph.layer_norm(total, "embeddings.LayerNorm", shape.epsilon)


def _attention_bias(graph: _Graph) -> str:
    """Zero for tokens, a large negative number for padding, shape (batch, 1, 1, length)."""
    mask = graph.apply("Cast", "attention_mask", to=TensorProto.FLOAT)
    padding = graph.apply("Sub", graph.constant("one", 1.0, np.float32), mask)
    scaled = graph.apply("Mul", padding, graph.constant("minus_large", -1e9, np.float32))
    return graph.apply("Unsqueeze", scaled, graph.constant("axes_1_2", [1, 2], np.int64))


def _encoder_layer(graph: _Graph, hidden: str, bias: str, layer: str, shape: BertShape) -> str:
    attended = _attention(graph, hidden, bias, f"{layer}.attention.self", shape)
    attended = graph.linear(attended, f"{layer}.attention.output.dense")
    hidden = graph.layer_norm(
        graph.apply("Add", hidden, attended), f"{layer}.attention.output.LayerNorm", shape.epsilon
    )
    inner = graph.apply("Gelu", graph.linear(hidden, f"{layer}.intermediate.dense"))
    outer = graph.linear(inner, f"{layer}.output.dense")
    return graph.layer_norm(graph.apply("Add", hidden, outer), f"{layer}.output.LayerNorm", shape.epsilon)


def _attention(graph: _Graph, hidden: str, bias: str, layer: str, shape: BertShape) -> str:
    per_head = shape.hidden // shape.heads
    split = graph.constant("split", [0, 0, shape.heads, per_head], np.int64)
    query, key, value = (
        graph.apply("Reshape", graph.linear(hidden, f"{layer}.{part}"), split)
        for part in ("query", "key", "value")
    )
    query = graph.apply("Transpose", query, perm=[0, 2, 1, 3])
    key = graph.apply("Transpose", key, perm=[0, 2, 3, 1])
    value = graph.apply("Transpose", value, perm=[0, 2, 1, 3])
    scale = graph.constant("scale", per_head**-0.5, np.float32)
    scores = graph.apply("Mul", graph.apply("MatMul", query, key), scale)
    weights = graph.apply("Softmax", graph.apply("Add", scores, bias), axis=-1)
    mixed = graph.apply("Transpose", graph.apply("MatMul", weights, value), perm=[0, 2, 1, 3])
    return graph.apply("Reshape", mixed, graph.constant("join", [0, 0, shape.hidden], np.int64))


def _pool(graph: _Graph, hidden: str) -> None:
    mask = graph.apply("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.apply("Unsqueeze", mask, graph.constant("axis_last", [2], np.int64))
    axis = graph.constant("axis_1", [1], np.int64)
    summed = graph.apply("ReduceSum", graph.apply("Mul", hidden, mask), axis, keepdims=0)
    count = graph.apply("ReduceSum", mask, axis, keepdims=0)
    mean = graph.apply("Div", summed, count)
    length = graph.apply("ReduceL2", mean, axis, keepdims=1)
    graph.nodes.append(helper.make_node("Div", [mean, length], ["vectors"]))
