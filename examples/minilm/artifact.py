# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface of the runtime (sparse_attn.h) through ctypes, as far as this example needs it."""

import ctypes

import numpy as np

DTYPES = {np.dtype(np.float32): 0, np.dtype(np.int32): 3}


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


def describe(array):
    """A view of a numpy array, which has to outlive it."""
    strides = [stride // array.itemsize for stride in array.strides]
    return Value(array.ctypes.data, DTYPES[array.dtype], array.ndim, array.shape, tuple(strides), 0)


def describe_all(arrays):
    return (Value * len(arrays))(*map(describe, arrays))


class Runtime:
    def __init__(self, library):
        self.library = ctypes.CDLL(str(library))
        self.library.sparse_attn_last_error.restype = ctypes.c_char_p
        self.library.sparse_attn_workspace_bytes.restype = ctypes.c_size_t
        self.library.sparse_attn_workspace_bytes.argtypes = [ctypes.c_void_p]
        for name in ("artifact_close", "plan_destroy"):
            getattr(self.library, f"sparse_attn_{name}").argtypes = [ctypes.c_void_p]
            getattr(self.library, f"sparse_attn_{name}").restype = None

    def call(self, name, *arguments):
        if getattr(self.library, f"sparse_attn_{name}")(*arguments) != 0:
            raise RuntimeError(f"{name}: {self.library.sparse_attn_last_error().decode()}")


class Artifact:
    def __init__(self, runtime, path):
        self.runtime, self.handle = runtime, ctypes.c_void_p()
        runtime.call("artifact_open", str(path).encode(), ctypes.byref(self.handle))

    def close(self):
        self.runtime.library.sparse_attn_artifact_close(self.handle)


class Plan:
    """A function of an artifact, prepared for the shapes and captured arrays of `arguments`."""

    def __init__(self, artifact, function, arguments):
        self.runtime, self.handle = artifact.runtime, ctypes.c_void_p()
        self.captured = arguments  # Captured arrays have to live as long as the plan.
        self.runtime.call("prepare", artifact.handle, function.encode(), describe_all(arguments),
                          ctypes.c_size_t(len(arguments)), ctypes.byref(self.handle))
        self.workspace_bytes = self.runtime.library.sparse_attn_workspace_bytes(self.handle)
        self.memory = np.empty(self.workspace_bytes + 64, np.uint8)
        self.workspace = self.memory.ctypes.data + -self.memory.ctypes.data % 64

    def count_tiles(self):
        """Key tiles visited with mask code, without, and all there are."""
        counts = (ctypes.c_int64(), ctypes.c_int64(), ctypes.c_int64())
        self.runtime.call("plan_tiles", self.handle, *map(ctypes.byref, counts))
        return tuple(count.value for count in counts)

    def launch(self, arguments, result):
        self.runtime.call("launch", self.handle, describe_all(arguments), ctypes.c_size_t(len(arguments)),
                          describe_all([result]), ctypes.c_size_t(1), ctypes.c_void_p(self.workspace),
                          ctypes.c_size_t(self.workspace_bytes), None)

    def destroy(self):
        self.runtime.library.sparse_attn_plan_destroy(self.handle)
