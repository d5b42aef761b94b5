# Every file of examples/sequences: compiled for each target, run on the CPU against the reference, and each sequence
# against attention of float64 arrays that have nothing else. What is between the sequences is NaN.
#
#   check_sequences.py FOLDER_OF_SEQUENCES WORK_FOLDER
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import subprocess
import sys
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "oracle"))

import reference  # noqa: E402

TARGETS = ("sm_80", "sm_90a")
HEADS, KEY_HEADS, HEAD_SIZE, SCALE = 8, 2, 64, 0.125

generator = np.random.default_rng(12)


class Case(NamedTuple):
    """Sizes of the arrays, what is captured, and the batch, rows of queries and rows of keys of each sequence."""

    batches: int
    queries: int
    keys: int
    captures: dict
    sequences: list


def padded():
    lengths = np.array([300, 1, 129, 0], np.int32)
    rows = [slice(0, n) for n in lengths]
    return Case(4, 320, 320, {"lengths": lengths}, [(b, r, r) for b, r in enumerate(rows)])


def packed():
    offsets = np.array([0, 130, 131, 131, 400], np.int32)
    rows = [slice(begin, end) for begin, end in zip(offsets, offsets[1:])]
    return Case(1, 410, 410, {"cu_seqlens": offsets}, [(0, r, r) for r in rows])


def decode():
    lengths = np.array([1400, 3, 700], np.int32)
    return Case(3, 2, 1500, {"lengths": lengths}, [(b, slice(0, 2), slice(0, n)) for b, n in enumerate(lengths)])


CASES = {"padded": padded(), "packed": packed(), "decode": decode()}


def mask(name, queries, keys):
    query, key = np.arange(queries)[:, None] + keys - queries, np.arange(keys)[None, :]
    past = key <= query
    return past & ((key > query - 1024) | (key < 4)) if name == "decode" else past


def run(*command):
    """Ends the program where a command fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def blank(shape, sequences, which):
    """Random rows of the sequences; NaN elsewhere."""
    array = np.full(shape, np.nan, np.float32)
    for sequence in sequences:
        rows = array[sequence[0], :, sequence[which]]
        rows[...] = generator.standard_normal(rows.shape)
    return array


def compute(work, library, case):
    """Runs the function, which is verified too; returns its arrays."""
    key_shape = (case.batches, KEY_HEADS, case.keys, HEAD_SIZE)
    arrays = {
        "q": blank((case.batches, HEADS, case.queries, HEAD_SIZE), case.sequences, 1),
        "k": blank(key_shape, case.sequences, 2),
        "v": blank(key_shape, case.sequences, 2),
    }
    flags = []
    for name, value in {**arrays, **case.captures}.items():
        np.save(work / f"{name}.npy", value)
        flags.append(f"--{'capture=' if name in case.captures else ''}{name}={work / name}.npy")
    run("sparse-attn-run", library, *flags, f"--out={work / 'out.npy'}", "--verify")
    return *(arrays[name].astype(np.float64) for name in "qkv"), np.load(work / "out.npy")


def largest_error(name, case, query, key, value, output):
    errors = []
    for batch, queries, keys in case.sequences:
        alone = [array[batch : batch + 1, :, rows] for array, rows in ((query, queries), (key, keys), (value, keys))]
        if not alone[0].size:
            continue
        holds = mask(name, alone[0].shape[2], alone[1].shape[2])
        wanted, _ = reference.attention(*alone, lambda b, h: holds, SCALE)
        errors.append(reference.output_error(output[batch : batch + 1, :, queries], wanted, alone[2]))
    return max(errors)


def main():
    sources, work = map(pathlib.Path, sys.argv[1:])
    for source in sorted(sources.glob("*.mlir")):
        case = CASES[source.stem]
        library = work / f"{source.stem}.so"
        run("sparse-attn-compile", source, "-o", library)
        error = largest_error(source.stem, case, *compute(work, library, case))
        if not error <= reference.OUTPUT_TOLERANCE["f32"]:
            sys.exit(f"{source.stem}: error {error:.3g}")
        for target in TARGETS:
            run("sparse-attn-compile", source, "--element-type=bf16", f"--target={target}", "-o", library)
        print(f"{source.stem}: largest error {error:.3g}", flush=True)


main()
