"""Prints the SHA-256 of a prediction of the model's own cells, row after row as float32, for
scripts/interop.sh: every language's is the same.

    python digest.py ADDRESS MODEL CELL_TYPE CELLS GENE
"""

import hashlib
import sys

import numpy as np

import unlasting

address, model, cell_type, cells, gene = sys.argv[1:]
with unlasting.Client(address) as client:
    x = client.predict(model=model, panel=int(cells), cell_type=cell_type, genes=gene).X
x = np.asarray(x.todense() if hasattr(x, "todense") else x, "<f4")
print(hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest())
