# The element types of attention, as numpy arrays and as float64.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# bf16 has no numpy type of its own; it travels as uint16.

import numpy as np

NAMES = ("f32", "bf16", "f16")


def encode(values, dtype):
    """Rounds to nearest even."""
    if dtype != "bf16":
        return values.astype({"f32": np.float32, "f16": np.float16}[dtype])
    single = values.astype(np.float32)
    words = single.view(np.uint32)
    rounded = ((words + 0x7FFF + ((words >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(single), np.uint16(0x7FC0), rounded)


def decode(array, dtype):
    if dtype != "bf16":
        return array.astype(np.float64)
    return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
