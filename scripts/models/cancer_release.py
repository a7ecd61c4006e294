"""breast-cancer: a tabular model with named features."""

from pathlib import Path

import sklearn

import quantizing
from labelled_rows import write_csv
from model_card import publish
from network import Training, trained
from onnx_graph import fp32_model
from release_source import Models, Release, numeric_features
from splits import cancer_split

TRAINING = Training(hidden=16, epochs=40, alpha=1e-2, seed=0)


def make_cancer(root: Path) -> None:
    split = cancer_split()
    home = root / 'breast-cancer'
    for name in ('train', 'acceptance', 'live'):
        write_csv(home / 'data' / f'{name}.csv', getattr(split, name))
    train = split.train
    network = trained(train.x, train.y, 2, train.x.mean(axis=0), train.x.std(axis=0), TRAINING)
    fp32 = fp32_model(network, 'features', 'breast_cancer')
    models = Models(fp32, quantizing.int8_model(fp32, 'features', train.x))
    release = Release(
        model='breast-cancer',
        version='1.0.0',
        description='Tells a malignant from a benign tumour by 30 measurements. An example, not a medical device.',
        license='CC-BY-4.0 data (UCI / scikit-learn), Apache-2.0 model',
        input='features',
        columns=train.columns,
        class_names=('malignant', 'benign'),
        features=numeric_features('features', train),
        train='../data/train.csv',
        acceptance='../data/acceptance.csv',
        trained_with=f'scikit-learn {sklearn.__version__}, MLP 30-{TRAINING.hidden}-2, {TRAINING.epochs} epochs, '
        f'seed {TRAINING.seed}',
        quantization=quantizing.DESCRIPTION,
        calibration='min-max over all rows of train.csv',
    )
    publish(root, home / '1.0.0', release, models, split.acceptance, split.live, [])
