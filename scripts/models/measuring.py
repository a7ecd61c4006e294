"""What a model does: accuracy, agreement, latency."""

import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

LATENCY_RUNS = 3000


def session(model: bytes | Path) -> ort.InferenceSession:
    """A CPU session with one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=['CPUExecutionProvider'])


def probabilities(of: ort.InferenceSession, x: np.ndarray) -> np.ndarray:
    return of.run(None, {of.get_inputs()[0].name: x})[0]


def predictions(of: ort.InferenceSession, x: np.ndarray) -> np.ndarray:
    return probabilities(of, x).argmax(axis=1)


def share(hits: np.ndarray) -> float:
    return float(np.mean(hits))


def latency_p50_us(of: ort.InferenceSession, row: np.ndarray) -> float:
    """The median of single requests, in microseconds."""
    feed = {of.get_inputs()[0].name: row[None, :]}
    for _ in range(200):
        of.run(None, feed)
    times = []
    for _ in range(LATENCY_RUNS):
        start = time.perf_counter_ns()
        of.run(None, feed)
        times.append(time.perf_counter_ns() - start)
    return float(np.median(times)) / 1000


def cpu_name() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        return 'unknown CPU'
    return next((line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')), 'unknown CPU')
