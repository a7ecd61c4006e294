"""Makes model.onnx: the example model behind a loop that does nothing but take time. `python make.py` (onnx 1.23)."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent.parent / 'models' / 'meter-digits' / '1.0.0' / 'model.int8.onnx'
# About 2 ms for 16 images on a core of a server.
TRIPS = 2000


def behind_busy_loop(model: onnx.ModelProto, trips: int) -> onnx.ModelProto:
    """The model with `trips` rounds of adding nothing to its images in front; it answers as before."""
    graph = model.graph
    image = graph.input[0].name
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == image:
                node.input[i] = 'held_image'
    graph.initializer.extend([
        numpy_helper.from_array(np.array(trips, dtype=np.int64), 'trips'),
        numpy_helper.from_array(np.array(True), 'go_on'),
        numpy_helper.from_array(np.array(0, dtype=np.float32), 'zero'),
    ])
    loop = helper.make_node('Loop', ['trips', 'go_on', image], ['held_image'], name='work', body=_body())
    own = list(graph.node)
    del graph.node[:]
    graph.node.extend([loop, *own])
    onnx.checker.check_model(model, full_check=True)
    return model


def _body() -> onnx.GraphProto:
    images = ['batch', 64]
    return helper.make_graph(
        [
            helper.make_node('Identity', ['was_go_on'], ['still_go_on'], name='keep'),
            helper.make_node('Add', ['in_image', 'zero'], ['image_plus'], name='add'),
            # Pixels are not negative.
            helper.make_node('Relu', ['image_plus'], ['out_image'], name='relu'),
        ],
        'turn',
        [
            helper.make_tensor_value_info('turn', TensorProto.INT64, []),
            helper.make_tensor_value_info('was_go_on', TensorProto.BOOL, []),
            helper.make_tensor_value_info('in_image', TensorProto.FLOAT, images),
        ],
        [
            helper.make_tensor_value_info('still_go_on', TensorProto.BOOL, []),
            helper.make_tensor_value_info('out_image', TensorProto.FLOAT, images),
        ],
    )


if __name__ == '__main__':
    onnx.save(behind_busy_loop(onnx.load(EXAMPLE), TRIPS), HERE / 'model.onnx')
