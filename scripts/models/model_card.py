"""Model cards: measured figures only. The latency lines differ from run to run, nothing else does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from labelled_rows import Rows
from measuring import cpu_name, latency_p50_us, predictions, session, share
from release_source import Models, Release, model_bytes, write_release


@dataclass(frozen=True)
class Measured:
    """The predictions of both models on one set of rows. `rows` leaves out what the model hangs on."""

    name: str
    rows: Rows
    fp32: np.ndarray
    int8: np.ndarray


def publish(root: Path, folder: Path, release: Release, models: Models, acceptance: Rows, live: Rows, notes: list[str]) -> None:
    """Measures both models, then writes the release source and its card."""
    fp32, int8 = model_bytes(models.fp32), model_bytes(models.int8)
    fp32_session, int8_session = session(fp32), session(int8)
    measured = [
        Measured(name, rows, predictions(fp32_session, rows.x), predictions(int8_session, rows.x))
        for name, rows in (('acceptance', acceptance), ('live', live))
    ]
    on_acceptance = measured[0]
    write_release(
        folder, release, models, share(on_acceptance.fp32 == acceptance.y), share(on_acceptance.int8 == acceptance.y)
    )
    latency = [latency_p50_us(s, acceptance.x[0]) for s in (fp32_session, int8_session)]
    card = _card(release, measured, [len(fp32), len(int8)], latency, notes)
    cards = root / 'cards'
    cards.mkdir(parents=True, exist_ok=True)
    (cards / f'{release.model}-{release.version}.md').write_text(card, encoding='utf-8')


def _card(r: Release, measured: list[Measured], sizes: list[int], latency: list[float], notes: list[str]) -> str:
    lines = [
        f'# {r.model} {r.version}',
        '',
        r.description,
        '',
        f'- License: {r.license}',
        f'- Trained with: {r.trained_with}',
        f'- Quantization: {r.quantization}',
        f'- Calibration: {r.calibration}',
        *(f'- {note}' for note in notes),
        '',
        '| Measured | fp32 | int8 |',
        '| --- | ---: | ---: |',
        *(
            f'| Accuracy, {m.name} ({len(m.rows.y)} rows) | {_percent(m.fp32 == m.rows.y)} | {_percent(m.int8 == m.rows.y)} |'
            for m in measured
        ),
        f'| File size, bytes | {sizes[0]} | {sizes[1]} |',
        f'| Latency p50, one row, µs | {latency[0]:.1f} | {latency[1]:.1f} |',
        '',
        *(f'fp32 and int8 give the same class on {_percent(m.fp32 == m.int8)} of {m.name}.' for m in measured),
        f'Latency: ONNX Runtime {ort.__version__}, CPU, one thread, {cpu_name()}.',
        '',
        '## Per class, int8',
        '',
        '| Class | ' + ' | '.join(f'{m.name} | rows' for m in measured) + ' |',
        '| --- |' + ' ---: | ---: |' * len(measured),
    ]
    for label, name in enumerate(r.class_names):
        cells = []
        for m in measured:
            own = m.rows.y == label
            cells.append(f'{_percent(m.int8[own] == label) if own.any() else "–"} | {own.sum()}')
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _percent(hits: np.ndarray) -> str:
    return f'{100 * share(hits):.1f} %'
