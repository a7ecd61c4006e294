"""A trained classifier as plain arrays: (x - shift) / scale, dense layers with ReLU, softmax."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

# A class no training row has: its logit is a constant this low, its probability practically 0.
ABSENT_LOGIT = -30.0


@dataclass(frozen=True)
class Network:
    """`layers` are (weights [in, out], bias [out]); `shift` and `scale` broadcast over a row."""

    shift: np.ndarray | None
    scale: np.ndarray
    layers: list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Training:
    hidden: int
    epochs: int
    alpha: float
    seed: int


def trained(
    x: np.ndarray, y: np.ndarray, classes: int, shift: np.ndarray | None, scale: np.ndarray, how: Training
) -> Network:
    """Trains for a fixed number of epochs. `shift` None means there is nothing to subtract."""
    mlp = MLPClassifier(
        (how.hidden,), alpha=how.alpha, batch_size=64, max_iter=how.epochs, n_iter_no_change=how.epochs,
        random_state=how.seed,
    )
    inputs = ((x if shift is None else x - shift) / scale).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ConvergenceWarning)
        mlp.fit(inputs, y)
    layers = list(zip(mlp.coefs_, mlp.intercepts_, strict=True))
    layers[-1] = _one_output_per_class(*layers[-1], mlp.classes_, classes)
    return Network(shift, scale, [(_float32(w), _float32(b)) for w, b in layers])


def _one_output_per_class(
    weights: np.ndarray, bias: np.ndarray, present: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    if classes == 2:
        # scikit-learn trains one logistic output z; softmax over (-z/2, z/2) is the same number.
        return np.hstack([-weights / 2, weights / 2]), np.hstack([-bias / 2, bias / 2])
    all_weights = np.zeros((weights.shape[0], classes))
    all_bias = np.full(classes, ABSENT_LOGIT)
    all_weights[:, present] = weights
    all_bias[present] = bias
    return all_weights, all_bias


def _float32(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)
