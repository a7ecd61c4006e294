"""The ONNX form of a network, fp32, with pre- and post-processing inside."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from network import Network

OPSET = 17
IR_VERSION = 8
LOGITS = 'logits'


def fp32_model(network: Network, input_name: str, graph_name: str) -> onnx.ModelProto:
    """Input [batch, in] raw values; output `probabilities` [batch, out]."""
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []

    def constant(name: str, value: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(np.asarray(value, dtype=np.float32), name))
        return name

    def add(op: str, inputs: list[str], output: str) -> str:
        nodes.append(helper.make_node(op, inputs, [output], name=output))
        return output

    at = input_name
    if network.shift is not None:
        at = add('Sub', [at, constant('shift', network.shift)], 'shifted')
    at = add('Div', [at, constant('scale', network.scale)], 'normalised')
    *hidden, (last_weights, last_bias) = network.layers
    for i, (weights, bias) in enumerate(hidden):
        at = add('Gemm', [at, constant(f'w{i}', weights), constant(f'b{i}', bias)], f'dense{i}')
        at = add('Relu', [at], f'relu{i}')
    at = add('Gemm', [at, constant('w_out', last_weights), constant('b_out', last_bias)], LOGITS)
    nodes.append(helper.make_node('Softmax', [at], ['probabilities'], name='softmax', axis=1))

    width, classes = network.layers[0][0].shape[0], last_weights.shape[1]
    graph = helper.make_graph(
        nodes,
        graph_name,
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ['batch', width])],
        [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, ['batch', classes])],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', OPSET)], ir_version=IR_VERSION, producer_name='ringfleet-examples'
    )
    onnx.checker.check_model(model, full_check=True)
    return model
