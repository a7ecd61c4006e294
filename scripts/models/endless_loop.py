"""Puts an ONNX Loop in front of a model that never ends on an image brighter than a threshold."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def behind_endless_loop(model: onnx.ModelProto, threshold: float) -> onnx.ModelProto:
    """A copy of `model` that waits for the brightest image of the batch to fade, which it never does.

    The Loop has no trip count and its body hands the images on unchanged, so its condition
    (ReduceMax(ReduceSum(image)) > threshold) is false at once or true for ever.
    """
    spliced = onnx.ModelProto()
    spliced.CopyFrom(model)
    graph = spliced.graph
    image = graph.input[0].name
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == image:
                node.input[i] = 'settled_image'
    graph.initializer.extend([
        numpy_helper.from_array(np.array([1], dtype=np.int64), 'pixel_axis'),
        numpy_helper.from_array(np.array(threshold, dtype=np.float32), 'ink_threshold'),
    ])
    before = [
        *_too_bright(image, 'is_too_bright', 'before'),
        helper.make_node('Loop', ['', 'is_too_bright', image], ['settled_image'], name='settle', body=_body()),
    ]
    own = list(graph.node)
    del graph.node[:]
    graph.node.extend(before + own)
    onnx.checker.check_model(spliced, full_check=True)
    return spliced


def _body() -> onnx.GraphProto:
    images = ['batch', 64]
    return helper.make_graph(
        [
            *_too_bright('held_image', 'still_too_bright', 'again'),
            helper.make_node('Identity', ['held_image'], ['handed_on_image'], name='hand_on'),
        ],
        'wait_until_settled',
        [
            helper.make_tensor_value_info('iteration', TensorProto.INT64, []),
            helper.make_tensor_value_info('was_too_bright', TensorProto.BOOL, []),
            helper.make_tensor_value_info('held_image', TensorProto.FLOAT, images),
        ],
        [
            helper.make_tensor_value_info('still_too_bright', TensorProto.BOOL, []),
            helper.make_tensor_value_info('handed_on_image', TensorProto.FLOAT, images),
        ],
    )


def _too_bright(image: str, result: str, prefix: str) -> list[onnx.NodeProto]:
    ink, brightest = f'{prefix}_ink', f'{prefix}_brightest'
    return [
        helper.make_node('ReduceSum', [image, 'pixel_axis'], [ink], name=ink, keepdims=0),
        helper.make_node('ReduceMax', [ink], [brightest], name=brightest, axes=[0], keepdims=0),
        helper.make_node('Greater', [brightest, 'ink_threshold'], [result], name=result),
    ]
