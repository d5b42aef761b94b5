# Fails unless two .npy files hold the same array: dtype, shape and elements.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import sys

import numpy as np

a, b = (np.load(path) for path in sys.argv[1:3])
if a.dtype != b.dtype or a.shape != b.shape:
    sys.exit(f"expects {b.dtype} {b.shape}, but got {a.dtype} {a.shape}")
if not np.array_equal(a, b):
    sys.exit(f"expects equal elements, but got {np.count_nonzero(a != b)} others, the first at {np.argwhere(a != b)[0]}")
