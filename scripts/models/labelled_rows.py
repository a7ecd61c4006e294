"""Labelled rows and their CSV form: the feature columns in tensor order, then `label`."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Rows:
    """`x` is float32 [rows, columns], `y` int64 [rows]."""

    columns: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray

    def take(self, indices: np.ndarray) -> 'Rows':
        return Rows(self.columns, self.x[indices], self.y[indices])

    def relabelled(self, mapping: dict[int, int]) -> 'Rows':
        """The same rows with every label found in `mapping` replaced."""
        return Rows(self.columns, self.x, np.array([mapping.get(int(v), int(v)) for v in self.y]))


def write_csv(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow([*rows.columns, 'label'])
        for values, label in zip(rows.x, rows.y, strict=True):
            writer.writerow([*(shortest(v) for v in values), int(label)])


def read_csv(path: Path) -> Rows:
    with path.open(newline='', encoding='utf-8') as file:
        header, *lines = csv.reader(file)
    values = np.array([line[:-1] for line in lines], dtype=np.float32)
    return Rows(tuple(header[:-1]), values, np.array([int(line[-1]) for line in lines]))


def shortest(value: np.float32) -> str:
    """The shortest decimal that reads back as the same float32: `7`, not `7.0`."""
    return np.format_float_positional(value, trim='-')
