"""More training images from the real ones: turned, scaled and shifted a little."""

import numpy as np

MAX_TURN_RADIANS = 0.25
MAX_SCALE = 0.12
MAX_SHIFT_PIXELS = 0.8


def warped(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One warped copy of each 8x8 image (bilinear, empty outside the frame)."""
    count = len(images)
    turn = rng.uniform(-MAX_TURN_RADIANS, MAX_TURN_RADIANS, count)
    scale = 1 + rng.uniform(-MAX_SCALE, MAX_SCALE, count)
    shift_x = rng.uniform(-MAX_SHIFT_PIXELS, MAX_SHIFT_PIXELS, (count, 1, 1))
    shift_y = rng.uniform(-MAX_SHIFT_PIXELS, MAX_SHIFT_PIXELS, (count, 1, 1))
    cos = (np.cos(turn) / scale)[:, None, None]
    sin = (np.sin(turn) / scale)[:, None, None]
    y, x = np.meshgrid(np.arange(8) - 3.5, np.arange(8) - 3.5, indexing='ij')
    from_x = cos * x - sin * y + 3.5 + shift_x
    from_y = sin * x + cos * y + 3.5 + shift_y
    return _sampled(images.reshape(-1, 8, 8), from_x, from_y).reshape(count, 64).astype(np.float32)


def _sampled(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # A frame of one empty pixel (two at the far edge, for the right and lower neighbour).
    framed = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    x, y = (x + 1).clip(0, 9), (y + 1).clip(0, 9)
    left, top = x.astype(np.int64), y.astype(np.int64)
    dx, dy = x - left, y - top
    n = np.arange(len(images))[:, None, None]
    upper = framed[n, top, left] * (1 - dx) + framed[n, top, left + 1] * dx
    lower = framed[n, top + 1, left] * (1 - dx) + framed[n, top + 1, left + 1] * dx
    return upper * (1 - dy) + lower * dy
