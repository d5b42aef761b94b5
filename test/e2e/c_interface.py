# The C interface of the runtime through ctypes.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import ctypes

import numpy as np

DTYPES = {"f32": 0, "f16": 1, "bf16": 2, "i32": 3}


class Value(ctypes.Structure):
    """sparse_attn_value."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("size", ctypes.c_int64 * 4),
        ("stride", ctypes.c_int64 * 4),
        ("scalar", ctypes.c_int64),
    ]


def value_of(item, dtype):
    """A view of a numpy array, strides and all, or a scalar."""
    value = Value()
    if not isinstance(item, np.ndarray):
        value.scalar = item
        return value
    value.data, value.dtype, value.rank = item.ctypes.data, DTYPES[dtype], item.ndim
    for i in range(item.ndim):
        value.size[i], value.stride[i] = item.shape[i], item.strides[i] // item.itemsize
    value.stride[item.ndim - 1] = 1
    return value


class Runtime:
    """Calls functions by their names, without `sparse_attn_`; a failure is an exception."""

    def __init__(self, library):
        self.library = ctypes.CDLL(str(library))
        self.library.sparse_attn_last_error.restype = ctypes.c_char_p
        self.library.sparse_attn_workspace_bytes.restype = ctypes.c_size_t

    def call(self, name, *arguments):
        if getattr(self.library, f"sparse_attn_{name}")(*arguments) != 0:
            raise RuntimeError(f"{name}: {self.library.sparse_attn_last_error().decode()}")
