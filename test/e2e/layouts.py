# Arrays of any strides through the C interface: [batch, length, heads, head size], padded, shared, at the end of memory.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   layouts.py DEVICE FOLDER RUNTIME.so
#
# GPUs want addresses and strides that are multiples of 16 bytes; what a launch says to others is checked too.
# Every layout has to give the bits of the contiguous one, which the oracle checks. Guarded arrays end at (or start
# after) a page that cannot be read, so that loads past the end, of rows or of lanes, end the program.

import ctypes
import mmap
import os

import numpy as np

import catalogue
import workbench
from c_interface import Runtime, Value, value_of
from catalogue import PATTERNS
from score_regions import bias_of_query, full_bias, integer_table
from workbench import Module, Problem, Sizes


def value_of_captured(item):
    return value_of(item, "f32" if isinstance(item, np.ndarray) and item.dtype == np.float32 else "i32")


class Loader(Runtime):
    """Opens artifacts and runs them."""

    def open(self, path):
        artifact = ctypes.c_void_p()
        self.call("artifact_open", str(path).encode(), ctypes.byref(artifact))
        return artifact

    def run(self, artifact, function, arguments, results):
        """Prepares and launches."""
        values = (Value * len(arguments))(*arguments)
        outputs = (Value * len(results))(*results)
        plan = ctypes.c_void_p()
        name = function.name.encode()
        self.call("prepare", artifact, name, values, ctypes.c_size_t(len(values)), ctypes.byref(plan))
        size = self.library.sparse_attn_workspace_bytes(plan)
        memory = np.full(size + 64, 0xFF, np.uint8)
        workspace = ctypes.c_void_p(memory.ctypes.data + -memory.ctypes.data % 64)
        self.call("launch", plan, values, ctypes.c_size_t(len(values)), outputs, ctypes.c_size_t(len(outputs)), workspace,
                  ctypes.c_size_t(size), None)  # fmt: skip
        self.library.sparse_attn_plan_destroy(plan)


class Guarded:
    """Makes arrays next to a page that cannot be touched."""

    def __init__(self, at_end):
        self.at_end = at_end
        self.maps = []

    def __call__(self, shape, dtype):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        page = mmap.PAGESIZE
        pages = -(-max(size, 1) // page)
        memory = mmap.mmap(-1, (pages + 2) * page)
        self.maps.append(memory)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        libc = ctypes.CDLL(None, use_errno=True)
        for guard in (start, start + (pages + 1) * page):
            if libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(page), 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        offset = page + (pages * page - size if self.at_end else 0)
        return np.frombuffer(memory, dtype, int(np.prod(shape)), offset).reshape(shape)


def captures(seed, sizes):
    """A value for every name that a pattern or a score region captures."""
    generator = np.random.default_rng(seed)
    draw_floats = lambda *shape: generator.standard_normal(shape).astype(np.float32)
    return {
        **catalogue.captures(seed, sizes),
        "integers": generator.integers(-3, 4, (sizes.batch, sizes.keys), np.int32),
        "bias3": draw_floats(sizes.keys, sizes.heads, sizes.keys),
        "bias4": draw_floats(sizes.batch, sizes.heads, sizes.keys, sizes.keys),
    }


def heads_inside(shape, dtype):
    """[batch, length, heads, head size] in memory."""
    return np.zeros((shape[0], shape[2], shape[1], *shape[3:]), dtype).swapaxes(1, 2)


def padded(shape, dtype, room=5):
    """Room between rows, heads and batches, filled with what would show."""
    whole = np.empty([n + 3 for n in shape[:-1]] + [shape[-1] + room], dtype)
    whole.view(np.uint8)[...] = 0xFF
    return whole[tuple(slice(n) for n in shape)]


def padded_by_vectors(shape, dtype):
    """The same, with strides that are multiples of 16 bytes, as GPUs want them."""
    return padded(shape, dtype, room=8)


def unaligned(shape, dtype):
    """An address that is no multiple of 16 bytes."""
    elements = np.zeros(int(np.prod(shape)) + 8, dtype)
    first = (-elements.ctypes.data % 16 + 2) // elements.itemsize
    return elements[first:][: int(np.prod(shape))].reshape(shape)


def batch_innermost(shape, dtype):
    """[length, heads, batch, head size] in memory."""
    return np.zeros((shape[2], shape[1], shape[0], *shape[3:]), dtype).swapaxes(0, 2)


def length_padded(shape, dtype):
    """Rows of scalars may not be spaced: this one is for arrays of rank 3."""
    whole = np.empty(shape[:-1] + (shape[-1] + 7,), dtype)
    whole.view(np.uint8)[...] = 0xFF
    return whole[..., : shape[-1]]


LAYOUTS_OF_CPU = {"padded": padded}
LAYOUTS_OF_GPU = {"padded": padded_by_vectors}
LAYOUTS = {
    "contiguous": np.zeros,
    "heads inside": heads_inside,
    "batch innermost": batch_innermost,
    "guarded at the end": Guarded(at_end=True),
    "guarded at the start": Guarded(at_end=False),
}


def run_in_layout(runtime, artifact, function, problem, make):
    """Returns output and log-sum-exp."""

    def copy(array):
        result = make(array.shape, array.dtype)
        result[...] = array
        return result

    arguments = [copy(array) for array in (problem.query, problem.key, problem.value)]
    output = make(problem.query.shape, problem.query.dtype)
    lse_maker = make if isinstance(make, Guarded) else length_padded
    lse = lse_maker(problem.query.shape[:3], np.float32)
    # Captured arrays end at a guard as well, or have rows that are apart; those of rank 4 are laid out as all others.
    captured = [problem.captures[name] for name in function.captures]
    for i, item in enumerate(captured):
        if isinstance(item, np.ndarray) and (isinstance(make, Guarded) or item.ndim == 4):
            captured[i] = copy(item)
        elif isinstance(item, np.ndarray) and item.ndim > 1:
            captured[i] = padded(item.shape, item.dtype)
            captured[i][...] = item
    values = [value_of(array, function.dtype) for array in arguments] + [value_of_captured(item) for item in captured]
    runtime.run(artifact, function, values, [value_of(output, function.dtype), value_of(lse, "f32")])
    return np.ascontiguousarray(output), np.ascontiguousarray(lse)


def check_shared_keys(bench, runtime, artifact, function):
    """Keys and values of one batch for all batches: a stride of 0."""
    sizes, seed = Sizes(3, 2, 1, 40, 70), 9
    problem = Problem(function, sizes, seed, captures(seed, sizes))
    problem.key = np.broadcast_to(problem.key[:1], problem.key.shape)
    problem.value = np.broadcast_to(problem.value[:1], problem.value.shape)
    output, lse = np.zeros_like(problem.query), np.zeros(problem.query.shape[:3], np.float32)
    values = [value_of(array, function.dtype) for array in (problem.query, problem.key, problem.value)]
    values += [value_of_captured(problem.captures[name]) for name in function.captures]
    runtime.run(artifact, function, values, [value_of(output, function.dtype), value_of(lse, "f32")])
    bench.compare(f"{function.name}, shared keys", function, problem, output, lse)


def check_empty_capture(bench, runtime, artifact, function):
    """An empty array of ids without an address: nobody attends."""
    sizes, seed = Sizes(1, 1, 1, 70, 70), 10
    problem = Problem(function, sizes, seed, {"ids": np.zeros(0, np.int32)})
    output, lse = np.ones_like(problem.query), np.zeros(problem.query.shape[:3], np.float32)
    ids = value_of(problem.captures["ids"], "i32")
    ids.data = None
    values = [value_of(array, function.dtype) for array in (problem.query, problem.key, problem.value)]
    runtime.run(artifact, function, [*values, ids], [value_of(output, function.dtype), value_of(lse, "f32")])
    bench.compare(f"{function.name}, no ids", function, problem, output, lse)


def check_refusal(bench, runtime, artifact, function, make, message):
    """A launch on a GPU with a layout that it cannot load from."""
    problem = Problem(function, Sizes(1, 2, 1, 9, 20), 11, captures(11, Sizes(1, 2, 1, 9, 20)))
    try:
        run_in_layout(runtime, artifact, function, problem, make)
        got = "no error"
    except RuntimeError as error:
        got = str(error)
    bench.expect(message in got, f"{function.name}, {make.__name__}: expects an error '{message}', but got '{got}'")


def main():
    bench, (library,) = workbench.start()
    # The simulated GPU of this process; it has one order of its threads.
    os.environ["SPARSE_ATTN_DEVICE"] = "sim"
    os.environ["SPARSE_ATTN_SIM_SCHEDULE"], os.environ["SPARSE_ATTN_SIM_SEED"] = "random", "6"
    runtime = Loader(library)
    module = Module()
    names = ("window", "intersect", "packed", "document_of_batch")
    functions = [
        module.add(f"{name}_{dtype}", PATTERNS[name], dtype, head_size)
        for name in names
        for dtype, head_size in (("f32", 48), ("bf16", 32), ("f16", 16))
        if dtype in bench.dtypes
    ]
    for name, score in (("query", bias_of_query()), ("full", full_bias()), ("integers", integer_table())):
        dtype = bench.dtypes[len(functions) % len(bench.dtypes)]
        functions.append(module.add(f"scores_{name}", PATTERNS["window"], dtype, score=score))
    path = bench.compile(module)
    artifact = runtime.open(path)
    for seed, sizes in enumerate((Sizes(2, 4, 2, 77, 77), Sizes(1, 2, 2, 33, 129), Sizes(2, 1, 1, 1, 1)), start=1):
        print(f"{sizes}, seed {seed}")
        for function in functions:
            problem = Problem(function, sizes, seed, captures(seed, sizes))
            results = {}
            for layout, make in {**LAYOUTS, **(LAYOUTS_OF_CPU if bench.on_cpu else LAYOUTS_OF_GPU)}.items():
                results[layout] = run_in_layout(runtime, artifact, function, problem, make)
                same = all(a.tobytes() == b.tobytes() for a, b in zip(results[layout], results["contiguous"]))
                bench.expect(same, f"{function.name}, {sizes}, {layout}: expects the bits of the contiguous layout")
            bench.compare(f"{function.name}, {sizes}", function, problem, *results["contiguous"])
    for function in functions:
        check_shared_keys(bench, runtime, artifact, function)
        if function.name.startswith("packed"):
            check_empty_capture(bench, runtime, artifact, function)
        if not bench.on_cpu:
            check_refusal(bench, runtime, artifact, function, padded, "to be a multiple of 8 elements on a GPU")
            check_refusal(bench, runtime, artifact, function, unaligned, "expects data aligned to 16 bytes on a GPU")
    bench.finish()


main()
