"""Writes one release source: release.yaml and its two models."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import onnx

from labelled_rows import Rows

# How far under the measured accuracy the declared minimum lies; rounded down to half points.
MINIMUM_MARGIN = 0.015


@dataclass(frozen=True)
class Release:
    """What release.yaml says. `train` and `acceptance` are paths relative to the release's folder."""

    model: str
    version: str
    description: str
    license: str
    input: str
    columns: tuple[str, ...]
    class_names: tuple[str, ...]
    features: tuple[str, ...]
    train: str
    acceptance: str
    trained_with: str
    quantization: str
    calibration: str


@dataclass(frozen=True)
class Models:
    fp32: onnx.ModelProto
    int8: onnx.ModelProto


def write_release(folder: Path, release: Release, models: Models, fp32_accuracy: float, int8_accuracy: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'model.fp32.onnx').write_bytes(model_bytes(models.fp32))
    (folder / 'model.int8.onnx').write_bytes(model_bytes(models.int8))
    (folder / 'release.yaml').write_text(_yaml(release, fp32_accuracy, int8_accuracy), encoding='utf-8')


def model_bytes(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)


def minimum_accuracy(measured: float) -> float:
    return math.floor((measured - MINIMUM_MARGIN) * 200 + 1e-9) / 200


def image_feature(input_name: str) -> tuple[str, ...]:
    return (f'{{ name: ink, input: {input_name}, kind: image }}',)


def numeric_features(input_name: str, rows: Rows) -> tuple[str, ...]:
    return tuple(
        f'{{ name: {name}, input: {input_name}, index: {i}, kind: numeric }}' for i, name in enumerate(rows.columns)
    )


def _yaml(r: Release, fp32_accuracy: float, int8_accuracy: float) -> str:
    lines = [
        f'model: {r.model}',
        f'version: {r.version}',
        f'description: {json.dumps(r.description)}',
        f'license: {r.license}',
        'variants:',
        '  - name: int8-cpu',
        '    file: model.int8.onnx',
        '    reference: model.fp32.onnx # compared against at build time, not shipped',
        '    providers: [cpu]',
        'labels:',
        '  output: probabilities',
        '  names: [' + ', '.join(f"'{name}'" for name in r.class_names) + ']',
        'data:',
        '  inputs:',
        f'    {r.input}:',
        *_wrapped(r.columns, '      '),
        '  label: label',
        f'  reference: {r.train}',
        f'  acceptance: {{ file: {r.acceptance}, metric: accuracy, minimum: {minimum_accuracy(int8_accuracy):g} }}',
        'features:',
        *(f'  - {feature}' for feature in r.features),
        'limits: { inferMs: 500, loadMs: 15000, memoryBytes: 268435456, maxBatch: 16 }',
        'lineage:',
        f'  trainedWith: {json.dumps(r.trained_with)}',
        f'  quantization: {json.dumps(r.quantization)}',
        f'  calibration: {json.dumps(r.calibration)}',
        f'  metrics: {{ fp32Accuracy: {fp32_accuracy:.4f}, int8Accuracy: {int8_accuracy:.4f} }}',
    ]
    return '\n'.join(lines) + '\n'


def _wrapped(names: tuple[str, ...], indent: str) -> list[str]:
    per_line = 8 if len(names) > 30 else 3
    chunks = [', '.join(names[i : i + per_line]) for i in range(0, len(names), per_line)]
    return [f'{indent}[', *(f'{indent}  {chunk},' for chunk in chunks), f'{indent}]']
