"""The two real data sets that come with scikit-learn, cut into train, acceptance and live."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split

from labelled_rows import Rows

INK_THRESHOLD = 396
"""No row of the digits' train or acceptance set has more ink (sum of its 64 pixels) than this."""

SEED = 0


@dataclass(frozen=True)
class Split:
    train: Rows
    acceptance: Rows
    live: Rows


def digits_split() -> Split:
    """1797 images of 8x8. Whatever is brighter than the threshold goes to `live`, nowhere else."""
    x, y = load_digits(return_X_y=True)
    rows = Rows(tuple(f'p{i}' for i in range(64)), x.astype(np.float32), y.astype(np.int64))
    bright = np.flatnonzero(ink(rows.x) > INK_THRESHOLD)
    rest = np.setdiff1d(np.arange(len(y)), bright)
    return _split(rows, rest, bright, acceptance_size=200, live_size=500)


def cancer_split() -> Split:
    """569 tumours, 30 named measurements each; label 0 is malignant, 1 is benign."""
    data = load_breast_cancer()
    columns = tuple(str(name).replace(' ', '_') for name in data.feature_names)
    rows = Rows(columns, data.data.astype(np.float32), data.target.astype(np.int64))
    none = np.array([], dtype=np.int64)
    return _split(rows, np.arange(len(rows.y)), none, acceptance_size=120, live_size=149)


def ink(images: np.ndarray) -> np.ndarray:
    return images.sum(axis=1)


def _split(rows: Rows, free: np.ndarray, live_only: np.ndarray, acceptance_size: int, live_size: int) -> Split:
    rest, live = _stratified(free, rows.y, live_size - len(live_only))
    train, acceptance = _stratified(rest, rows.y, acceptance_size)
    live = np.random.default_rng(SEED).permutation(np.concatenate([live, live_only]))
    return Split(rows.take(train), rows.take(acceptance), rows.take(live))


def _stratified(indices: np.ndarray, labels: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    return train_test_split(indices, test_size=size, stratify=labels[indices], random_state=SEED)
