"""Import this first: settles what must be set before numpy and ONNX Runtime load.

One thread and one BLAS kernel family, because the order of a floating point sum decides the last
bit of a weight, and the committed models are compared byte for byte.
"""

import os
import sys

for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[_name] = '1'
os.environ['OPENBLAS_CORETYPE'] = 'Haswell'
os.environ['ORT_DISABLE_TELEMETRY'] = '1'
sys.dont_write_bytecode = True
