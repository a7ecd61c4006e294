"""Static int8 quantization: QDQ, per channel, calibrated on the training rows."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static,
)

from onnx_graph import LOGITS

DESCRIPTION = 'onnxruntime.quantization static QDQ, per channel, int8 weights (7 bits used), uint8 activations'


class OneBatch(CalibrationDataReader):
    """Hands out all calibration rows at once."""

    def __init__(self, feed: dict[str, np.ndarray]) -> None:
        self._feeds = iter([feed])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)


def int8_model(model: onnx.ModelProto, input_name: str, calibration: np.ndarray) -> onnx.ModelProto:
    logging.getLogger().setLevel(logging.ERROR)  # The quantizer advises a pre-processing step these graphs do not need.
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, 'fp32.onnx'), Path(folder, 'int8.onnx')
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            OneBatch({input_name: calibration}),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=['Gemm', 'Relu'],
            per_channel=True,
            # Without VNNI a processor adds uint8 x int8 products in 16 bits, where 8-bit weights can
            # saturate. With 7 bits they cannot.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        quantized = onnx.load(target)
    _keep_logits_fp32(quantized.graph)
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


def _keep_logits_fp32(graph: onnx.GraphProto) -> None:
    """Takes the rounding between the last Gemm and Softmax out again.

    With it, probabilities would come in coarse steps and classes would tie; without it, the Gemm
    still multiplies in int8 and gives fp32.
    """
    (rounding,) = (node for node in graph.node if node.op_type == 'QuantizeLinear' and node.input[0] == LOGITS)
    (back,) = (node for node in graph.node if node.op_type == 'DequantizeLinear' and node.input[0] == rounding.output[0])
    (softmax,) = (node for node in graph.node if node.input[0] == back.output[0])
    softmax.input[0] = LOGITS
    parameters = set(rounding.input[1:])
    graph.node.remove(rounding)
    graph.node.remove(back)
    used = {name for node in graph.node for name in node.input}
    for initializer in [i for i in graph.initializer if i.name in parameters - used]:
        graph.initializer.remove(initializer)
