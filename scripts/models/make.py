"""Makes the example models, their data, release sources and cards: `python make.py [--into FOLDER]`."""

import environment  # noqa: F401  (first: see there)

import argparse
from pathlib import Path

from cancer_release import make_cancer
from digits_releases import make_digits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--into', type=Path, default=Path(__file__).resolve().parent)
    root = parser.parse_args().into
    make_cancer(root)
    make_digits(root)


if __name__ == '__main__':
    main()
