"""Checks what README.md and the cards claim of the committed files: `python check.py`.

Loads every model with ONNX Runtime and ends with 1 at the first claim that does not hold.
"""

import environment  # noqa: F401  (first: see there)

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import onnx
import yaml

from labelled_rows import Rows, read_csv
from measuring import predictions, probabilities, session, share
from splits import INK_THRESHOLD, ink

HOME = Path(__file__).resolve().parent
DIGITS = HOME / 'meter-digits'
CANCER = HOME / 'breast-cancer'
MAX_MODEL_BYTES = 60_000
MAX_TREE_BYTES = 3_000_000
HANG_SECONDS = 5


def main() -> None:
    sets = {name: read_csv(DIGITS / 'data' / f'{name}.csv') for name in ('train', 'acceptance', 'live')}
    check_files()
    for home in (DIGITS, CANCER):
        check_disjoint(home)
        for folder in sorted(home.glob('[0-9]*')):
            check_release(folder)
    check_ordering(sets)
    check_merged_classes(sets['acceptance'])
    check_pairs(sets['acceptance'])
    bright = check_bright_rows(sets)
    check_loop(sets, bright)
    print('every claim holds')


def claim(holds: bool, what: str) -> None:
    print('ok  ' if holds else 'NOT ', what, flush=True)
    if not holds:
        sys.exit(1)


def check_files() -> None:
    models = sorted(HOME.glob('*/**/*.onnx'))
    claim(max(p.stat().st_size for p in models) < MAX_MODEL_BYTES, f'{len(models)} models, each under 60 KB')
    for path in models:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        opset = next(o.version for o in model.opset_import if o.domain == '')
        assert 17 <= opset <= 21 and model.ir_version <= 10, path
    total = sum(p.stat().st_size for p in HOME.rglob('*') if p.is_file())
    claim(total < MAX_TREE_BYTES, f'the whole folder is {total} bytes')


def check_disjoint(home: Path) -> None:
    seen = [{row.tobytes() for row in read_csv(home / 'data' / f'{n}.csv').x} for n in ('train', 'acceptance', 'live')]
    shared = sum(len(a & b) for a, b in combinations(seen, 2))
    claim(shared == 0, f'{home.name}: no row is in two of train ({len(seen[0])}), acceptance ({len(seen[1])}), live ({len(seen[2])})')


def check_release(folder: Path) -> None:
    """The release source is well formed and its int8 model passes its own acceptance set."""
    release = yaml.safe_load((folder / 'release.yaml').read_text(encoding='utf-8'))
    data, variant = release['data'], release['variants'][0]
    of = {kind: session(folder / variant[kind]) for kind in ('file', 'reference')}
    (name, columns), = data['inputs'].items()
    rows = read_csv(folder / data['acceptance']['file'])
    assert rows.columns == tuple(columns) == read_csv(folder / data['reference']).columns, folder
    for s in of.values():
        (given,), (result,) = s.get_inputs(), s.get_outputs()
        assert (given.name, given.type, given.shape) == (name, 'tensor(float)', ['batch', len(columns)]), folder
        assert result.name == release['labels']['output'], folder
        assert result.shape == ['batch', len(release['labels']['names'])], folder
    out = probabilities(of['file'], rows.x)
    assert np.allclose(out.sum(axis=1), 1, atol=1e-5), folder
    int8, fp32 = accuracy(of['file'], rows), accuracy(of['reference'], rows)
    declared, minimum = release['lineage']['metrics'], data['acceptance']['minimum']
    assert abs(int8 - declared['int8Accuracy']) < 6e-5 and abs(fp32 - declared['fp32Accuracy']) < 6e-5, folder
    claim(
        0.015 <= int8 - minimum + 1e-9 <= 0.0201,
        f'{release["model"]} {release["version"]}: fp32 {fp32:.4f}, int8 {int8:.4f}, minimum {minimum}',
    )


def check_ordering(sets: dict[str, Rows]) -> None:
    old, new = digits('1.0.0'), digits('1.1.0')
    for name in ('acceptance', 'live'):
        a, b = accuracy(old, sets[name]), accuracy(new, sets[name])
        claim(a <= 0.95 and b >= 0.975 and b - a >= 0.03, f'{name}: 1.0.0 {a:.4f}, 1.1.0 {b:.4f}')


def check_merged_classes(acceptance: Rows) -> None:
    loss = accuracy(digits('1.1.0'), acceptance) - accuracy(digits('1.2.0'), acceptance)
    claim(loss >= 0.08, f"1.2.0 loses {100 * loss:.1f} points on 1.1.0's acceptance set")


def check_pairs(acceptance: Rows) -> None:
    good = accuracy(digits('1.1.0'), acceptance)
    losses, own = {}, {}
    for a, b in combinations(range(10), 2):
        model = session(DIGITS / 'merged' / f'{a}-{b}.int8.onnx')
        losses[f'{a}-{b}'] = good - accuracy(model, acceptance)
        own[f'{a}-{b}'] = accuracy(model, acceptance.relabelled({a: b}))
    least, lowest = min(losses, key=losses.get), min(own, key=own.get)
    claim(losses[least] >= 0.06, f'{len(losses)} merged pairs, least loss {100 * losses[least]:.1f} points ({least})')
    claim(own[lowest] >= 0.95, f'lowest accuracy of a pair on its own merged labels {own[lowest]:.4f} ({lowest})')


def check_bright_rows(sets: dict[str, Rows]) -> np.ndarray:
    files = sorted(p for p in DIGITS.rglob('*.csv') if p.name != 'live.csv')
    brightest = max(ink(read_csv(p).x).max() for p in files)
    claim(brightest <= INK_THRESHOLD, f'the most ink in {len(files)} train and acceptance files is {brightest:g}, T is {INK_THRESHOLD}')
    bright = np.flatnonzero(ink(sets['live'].x) > INK_THRESHOLD)
    claim(0.02 <= len(bright) / len(sets['live'].y) <= 0.04, f'{len(bright)} live rows are brighter: {bright.tolist()}')
    return bright


def check_loop(sets: dict[str, Rows], bright: np.ndarray) -> None:
    for kind in ('int8', 'fp32'):
        plain, looped = digits('1.1.0', kind), digits('1.3.0', kind)
        for name, rows in sets.items():
            x = np.delete(rows.x, bright, axis=0) if name == 'live' else rows.x
            assert np.array_equal(probabilities(plain, x), probabilities(looped, x)), (kind, name)
        claim(True, f'1.3.0 {kind} answers every other row of train, acceptance and live bit for bit like 1.1.0')
        one = int(bright[0])
        claim(answers(kind, [0, 1]), f'1.3.0 {kind} answers live rows 0 and 1 in a process of its own')
        claim(not answers(kind, [one]), f'1.3.0 {kind} hangs on live row {one}')
        claim(not answers(kind, [0, one, 1]), f'1.3.0 {kind} hangs on a batch with live row {one} in it')


def answers(kind: str, live_rows: list[int]) -> bool:
    """Whether a process that asks 1.3.0 about these live rows ends; it is killed when it does not."""
    command = [sys.executable, __file__, 'ask', kind, *map(str, live_rows)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    # Waiting for the word `asking` first: only the inference itself may use up the time.
    assert process.stdout is not None and process.stdout.readline() == b'asking\n'
    try:
        assert process.wait(HANG_SECONDS) == 0
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def ask(kind: str, live_rows: list[int]) -> None:
    x = read_csv(DIGITS / 'data' / 'live.csv').x[live_rows]
    model = digits('1.3.0', kind)
    print('asking', flush=True)
    probabilities(model, x)


def digits(version: str, kind: str = 'int8'):
    return session(DIGITS / version / f'model.{kind}.onnx')


def accuracy(model, rows: Rows) -> float:
    return share(predictions(model, rows.x) == rows.y)


if __name__ == '__main__':
    if sys.argv[1:2] == ['ask']:
        ask(sys.argv[2], [int(i) for i in sys.argv[3:]])
    else:
        main()
