# Every file of examples/scores: compiled for each target, run on the CPU against the reference, and against a formula of
# float64 arrays that is written here.
#
#   check_scores.py FOLDER_OF_SCORES WORK_FOLDER
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "oracle"))

import reference  # noqa: E402

TARGETS = ("sm_80", "sm_90a")
BATCH, HEADS, QUERIES, KEYS, HEAD_SIZE = 2, 8, 300, 420, 64
N = 60  # distances of the table of relative_bias

generator = np.random.default_rng(11)
Q = np.arange(QUERIES)[:, None] + KEYS - QUERIES
K = np.arange(KEYS)[None, :]
DISTANCE = K - Q
SLOPES = (2.0 ** -np.arange(1, HEADS + 1)).astype(np.float32)
TABLE = generator.standard_normal((HEADS, 2 * N + 1)).astype(np.float32)
BUCKETS = generator.standard_normal((32, HEADS)).astype(np.float32)


def t5_buckets():
    """As published: half of the buckets for keys ahead, half of each half for distances up to 7."""
    length = np.abs(DISTANCE)
    far = 8 + np.floor(np.log(np.maximum(length, 8) / 8) / np.log(128 / 8) * 8 + 1e-9).astype(int)
    return np.where(length < 8, length, np.minimum(far, 15)) + 16 * (DISTANCE > 0)


# What attends, the new scores of head h, the number of key heads, the scale, and what is captured.
CASES = {
    "alibi": (DISTANCE <= 0, lambda h, s: s + SLOPES[h] * DISTANCE, 8, 0.125, {"slopes": SLOPES}),
    "head_slopes": ((DISTANCE <= 0) & (DISTANCE >= -1023), lambda h, s: s + SLOPES[h] * DISTANCE, 8, 0.125, {}),
    "relative_bias": (
        np.abs(DISTANCE) <= 511, lambda h, s: s + TABLE[h, np.clip(DISTANCE, -N, N) + N], 8, 0.125,
        {"table": TABLE, "n": N},
    ),
    "soft_cap": ((DISTANCE <= 0) & (DISTANCE >= -4095), lambda h, s: 50 * np.tanh(s / 50), 4, 0.125, {}),
    "t5_bias": (DISTANCE == DISTANCE, lambda h, s: s + BUCKETS[t5_buckets(), h], 8, 1.0, {"table": BUCKETS}),
}  # fmt: skip


def run(*command):
    """Ends the program where a command fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def compute(work, library, key_heads, scale, captures):
    """Runs the function, which is verified too; returns its arrays."""
    shapes = {"q": (BATCH, HEADS, QUERIES, HEAD_SIZE), "k": (BATCH, key_heads, KEYS, HEAD_SIZE)}
    shapes["v"] = shapes["k"]
    arrays = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["q"] *= np.float32(0.2 / scale)
    flags = []
    for name, value in {**arrays, **captures}.items():
        if isinstance(value, np.ndarray):
            np.save(work / f"{name}.npy", value)
            value = work / f"{name}.npy"
        flags.append(f"--capture={name}={value}" if name in captures else f"--{name}={value}")
    run("sparse-attn-run", library, *flags, f"--out={work / 'out.npy'}", "--verify")
    return *(arrays[name].astype(np.float64) for name in "qkv"), np.load(work / "out.npy")


def main():
    sources, work = map(pathlib.Path, sys.argv[1:])
    for source in sorted(sources.glob("*.mlir")):
        mask, score, key_heads, scale, captures = CASES[source.stem]
        library = work / f"{source.stem}.so"
        run("sparse-attn-compile", source, "-o", library)
        query, key, value, output = compute(work, library, key_heads, scale, captures)
        wanted, _ = reference.attention(query, key, value, lambda b, h: mask, scale, lambda b, h, s: score(h, s))
        error = reference.output_error(output, wanted, value)
        if not error <= reference.OUTPUT_TOLERANCE["f32"]:
            sys.exit(f"{source.stem}: error {error:.3g}")
        for target in TARGETS:
            run("sparse-attn-compile", source, "--element-type=bf16", f"--target={target}", "-o", library)
        print(f"{source.stem}: largest error {error:.3g}", flush=True)


main()
