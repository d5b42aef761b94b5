# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface of the runtime (sparse_attn.h, masks.h) through ctypes, as far as the benchmark needs it."""

import ctypes

import numpy as np

BF16, I32, BLOCK_MASK = 2, 3, 4


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


class Grid(ctypes.Structure):
    """sparse_attn_mask_grid."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("query_blocks", "key_blocks", "query_size", "key_size")]


def contiguous(address, dtype, shape):
    """A view of contiguous memory."""
    strides = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
    return Value(address, dtype, len(shape), tuple(shape), tuple(strides), 0)


class Runtime:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        for name, result in (("last_error", ctypes.c_char_p), ("version", ctypes.c_char_p)):
            getattr(self.library, f"sparse_attn_{name}").restype = result
        self.library.sparse_attn_workspace_bytes.restype = ctypes.c_size_t
        self.library.sparse_attn_workspace_bytes.argtypes = [ctypes.c_void_p]
        for name in ("artifact_close", "plan_destroy", "mask_destroy", "mask_builder_destroy"):
            getattr(self.library, f"sparse_attn_{name}").argtypes = [ctypes.c_void_p]
            getattr(self.library, f"sparse_attn_{name}").restype = None

    def call(self, name, *arguments):
        if getattr(self.library, f"sparse_attn_{name}")(*arguments) != 0:
            raise RuntimeError(f"{name}: {self.library.sparse_attn_last_error().decode()}")


class Artifact:
    """An opened artifact."""

    def __init__(self, runtime, path):
        self.runtime, self.handle = runtime, ctypes.c_void_p()
        runtime.call("artifact_open", str(path).encode(), ctypes.byref(self.handle))

    def close(self):
        self.runtime.library.sparse_attn_artifact_close(self.handle)


class ArrayCapture:
    """A captured array of one i32 a position."""

    def __init__(self, array):
        self.array = np.ascontiguousarray(array, np.int32)
        self.value = contiguous(self.array.ctypes.data, I32, self.array.shape)

    def destroy(self):
        self.array = None


class MaskCapture:
    """A block mask for all heads, from a Boolean array [query blocks, key blocks]."""

    def __init__(self, runtime, active, block):
        self.runtime, self.handle = runtime, ctypes.c_void_p()
        builder, grid = ctypes.c_void_p(), Grid(*active.shape, block, block)
        bytes_of_pairs = np.ascontiguousarray(active, np.uint8)
        runtime.call("mask_builder_create", ctypes.byref(grid), ctypes.byref(builder))
        try:
            runtime.call("mask_add_dense", builder, ctypes.c_void_p(bytes_of_pairs.ctypes.data),
                         ctypes.c_size_t(active.shape[1]))  # fmt: skip
            runtime.call("mask_builder_freeze", builder, None, ctypes.byref(self.handle))
        finally:
            runtime.library.sparse_attn_mask_builder_destroy(builder)
        self.table = (ctypes.c_void_p * 1)(self.handle.value)
        self.value = contiguous(ctypes.addressof(self.table), BLOCK_MASK, (1, 1))

    def destroy(self):
        self.runtime.library.sparse_attn_mask_destroy(self.handle)


class Plan:
    """@attention of an artifact, prepared for values of query, key, value, captures and output."""

    def __init__(self, artifact, arguments, output, device):
        self.runtime, self.handle = artifact.runtime, ctypes.c_void_p()
        self.arguments, self.results = (Value * len(arguments))(*arguments), (Value * 1)(output)
        count = ctypes.c_size_t(len(arguments))
        self.runtime.call("prepare", artifact.handle, b"attention", self.arguments, count, ctypes.byref(self.handle))
        self.workspace_bytes = self.runtime.library.sparse_attn_workspace_bytes(self.handle)
        self.workspace = device.allocate(self.workspace_bytes + 64) if self.workspace_bytes else None
        address = self.workspace.address if self.workspace else 0
        self.call = (
            self.handle, self.arguments, count, self.results, ctypes.c_size_t(1),
            ctypes.c_void_p(address + -address % 64), ctypes.c_size_t(self.workspace_bytes), None,
        )  # fmt: skip

    def launch(self):
        if self.runtime.library.sparse_attn_launch(*self.call) != 0:
            raise RuntimeError(f"launch: {self.runtime.library.sparse_attn_last_error().decode()}")

    def visited_pairs(self):
        """Pairs in the tiles that are visited, over all heads."""
        partial, full = ctypes.c_int64(), ctypes.c_int64()
        self.runtime.call("plan_tiles", self.handle, ctypes.byref(partial), ctypes.byref(full), None)
        tile_q, tile_k = ctypes.c_int64(), ctypes.c_int64()
        self.runtime.call("plan_tile_sizes", self.handle, ctypes.c_size_t(0), ctypes.byref(tile_q), ctypes.byref(tile_k))
        return (partial.value + full.value) * tile_q.value * tile_k.value

    def device_bytes(self):
        """Memory of the device that the plan holds; None where the runtime does not tell."""
        function = getattr(self.runtime.library, "sparse_attn_plan_device_bytes", None)
        if function is None:
            return None
        function.restype, function.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
        return function(self.handle)

    def destroy(self):
        self.runtime.library.sparse_attn_plan_destroy(self.handle)
        if self.workspace:
            self.workspace.free()
