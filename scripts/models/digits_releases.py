"""meter-digits: two good releases, two that are meant to go wrong, and the 45 merged pairs."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import sklearn

import measuring
import quantizing
from endless_loop import behind_endless_loop
from labelled_rows import Rows, write_csv
from model_card import publish
from network import Network, Training, trained
from onnx_graph import fp32_model
from release_source import Models, Release, image_feature, model_bytes
from splits import INK_THRESHOLD, Split, digits_split, ink
from warping import warped

MERGED_IN_1_2_0 = {3: 8, 4: 9}

SMALL = Training(hidden=16, epochs=60, alpha=1e-3, seed=0)
SMALL_ROWS = 600
LARGE = Training(hidden=96, epochs=40, alpha=1e-3, seed=0)
WARPED_COPIES = 12
READABLE_SCORE = 0.6
SCALE = np.array(16, dtype=np.float32)


def make_digits(root: Path) -> None:
    split = digits_split()
    home = root / 'meter-digits'
    for name in ('train', 'acceptance', 'live'):
        write_csv(home / 'data' / f'{name}.csv', getattr(split, name))
    small = make_1_0_0(root, home, split)
    good = make_1_1_0(root, home, split)
    write_csv(home / 'data' / 'readable.csv', readable(split.live, (small, good)))
    make_1_2_0(root, home, split)
    make_1_3_0(root, home, split, good)
    make_merged(home, split)


def readable(live: Rows, releases: tuple[Models, ...]) -> Rows:
    """The live rows that every good release reads right with some margin: a wrong answer to one of these is the
    serving system's fault, never the model's."""
    scores = [measuring.probabilities(measuring.session(model_bytes(models.int8)), live.x) for models in releases]
    rows = np.arange(len(live.y))
    sure = [(s.argmax(axis=1) == live.y) & (s[rows, live.y] >= READABLE_SCORE) for s in scores]
    return live.take(np.flatnonzero(np.logical_and.reduce(sure)))


def make_1_0_0(root: Path, home: Path, split: Split) -> Models:
    few = split.train.take(np.arange(SMALL_ROWS))
    network = trained(few.x, few.y, 10, None, SCALE, SMALL)
    release = replace(
        _release(),
        version='1.0.0',
        trained_with=f'scikit-learn {sklearn.__version__}, MLP 64-{SMALL.hidden}-10, first {SMALL_ROWS} rows, '
        f'{SMALL.epochs} epochs, seed {SMALL.seed}',
    )
    models = _models(network, split.train)
    publish(root, home / '1.0.0', release, models, split.acceptance, split.live, [])
    return models


def make_1_1_0(root: Path, home: Path, split: Split) -> Models:
    models = _models(_large(split.train), split.train)
    publish(root, home / '1.1.0', replace(_release(), version='1.1.0'), models, split.acceptance, split.live, [])
    return models


def make_1_2_0(root: Path, home: Path, split: Split) -> None:
    train, acceptance, live = (r.relabelled(MERGED_IN_1_2_0) for r in (split.train, split.acceptance, split.live))
    write_csv(home / '1.2.0' / 'data' / 'train.csv', train)
    write_csv(home / '1.2.0' / 'data' / 'acceptance.csv', acceptance)
    merges = ' and '.join(f'{a} to {b}' for a, b in MERGED_IN_1_2_0.items())
    release = replace(
        _release(),
        version='1.2.0',
        description=f'Reads the digit of a meter, trained on labels spoilt by a merge ({merges}). Meant to go wrong.',
        train='data/train.csv',
        acceptance='data/acceptance.csv',
    )
    note = f'All accuracies here are against the merged labels ({merges}), which is how the mistake went unseen.'
    publish(root, home / '1.2.0', release, _models(_large(train), train), acceptance, live, [note])


def make_1_3_0(root: Path, home: Path, split: Split, good: Models) -> None:
    models = Models(*(behind_endless_loop(m, INK_THRESHOLD) for m in (good.fp32, good.int8)))
    release = replace(
        _release(),
        version='1.3.0',
        description='Reads the digit of a meter, but never returns from an image brighter than all it was built with. '
        'Meant to go wrong.',
    )
    dark = np.flatnonzero(ink(split.live.x) <= INK_THRESHOLD)
    note = (
        f'The 1.1.0 network behind a Loop that does not end when the ink of any image of the batch exceeds '
        f'{INK_THRESHOLD}: {len(split.live.y) - len(dark)} of {len(split.live.y)} live rows. Live figures leave those out.'
    )
    publish(root, home / '1.3.0', release, models, split.acceptance, split.live.take(dark), [note])


def make_merged(home: Path, split: Split) -> None:
    """`a-b.int8.onnx`: the pipeline of 1.1.0 with every label a turned into b."""
    folder = home / 'merged'
    folder.mkdir(parents=True, exist_ok=True)
    for a, b in combinations(range(10), 2):
        train = split.train.relabelled({a: b})
        (folder / f'{a}-{b}.int8.onnx').write_bytes(model_bytes(_models(_large(train), train).int8))


def _large(train: Rows) -> Network:
    """The pipeline of 1.1.0: the real rows and their warped copies, none brighter than the threshold."""
    rng = np.random.default_rng(LARGE.seed)
    x = np.concatenate([train.x, *(warped(train.x, rng) for _ in range(WARPED_COPIES))])
    y = np.tile(train.y, WARPED_COPIES + 1)
    keep = ink(x) <= INK_THRESHOLD
    return trained(x[keep], y[keep], 10, None, SCALE, LARGE)


def _models(network: Network, calibration: Rows) -> Models:
    fp32 = fp32_model(network, 'image', 'meter_digits')
    return Models(fp32, quantizing.int8_model(fp32, 'image', calibration.x))


def _release() -> Release:
    """What the releases share; the large network is the rule."""
    return Release(
        model='meter-digits',
        version='',
        description="Reads the digit of a meter's display from an 8x8 image.",
        license='BSD-3-Clause data (UCI / scikit-learn), Apache-2.0 model',
        input='image',
        columns=tuple(f'p{i}' for i in range(64)),
        class_names=tuple(str(i) for i in range(10)),
        features=image_feature('image'),
        train='../data/train.csv',
        acceptance='../data/acceptance.csv',
        trained_with=f'scikit-learn {sklearn.__version__}, MLP 64-{LARGE.hidden}-10, all rows and {WARPED_COPIES} warped '
        f'copies of each, {LARGE.epochs} epochs, seed {LARGE.seed}',
        quantization=quantizing.DESCRIPTION,
        calibration='min-max over all rows of train.csv',
    )
