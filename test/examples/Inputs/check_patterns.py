# Every pattern of examples/patterns: compiled for each target, run on the CPU against the reference, and, where there is
# a prover, proved.
#
#   check_patterns.py FOLDER_OF_PATTERNS WORK_FOLDER
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import shutil
import subprocess
import sys

import numpy as np

TARGETS = ("sm_80", "sm_90a")
# Neighborhoods of several axes take positions apart digit by digit, which takes a solver too long.
UNPROVED = ("neighborhood_2d", "neighborhood_3d", "sliding_tile")
# Of two sequences of 900 keys, and of 8 heads.
CAPTURES = {
    "dilated_sparse_n": {"n": 200},
    "global_local_n": {"local": 70, "global": 10},
    "local_window_n": {"n": 100},
    "packed_documents": {"cu_seqlens": np.array([0, 210, 260, 640, 900], np.int32)},
    "prefix_lm": {"prefix": np.array([300, 20], np.int32)},
    "token_tree": {"parents": np.array([-1, 0, 0, 1, 1, 2, 4, 4, 5, -1, 9], np.int32)},
    "vertical_slash": {
        "columns": np.sort(np.arange(2 * 8 * 6).reshape(2, 8, 6) * 97 % 900).astype(np.int32),
        "diagonals": np.sort(np.arange(2 * 8 * 6).reshape(2, 8, 6) * 61 % 300).astype(np.int32),
    },
}


def run(*command):
    """Ends the program where a command fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    sources, work = map(pathlib.Path, sys.argv[1:])
    for source in sorted(sources.glob("*.mlir")):
        flags = []
        for name, value in CAPTURES.get(source.stem, {}).items():
            if isinstance(value, int):
                flags.append(f"--capture={name}={value}")
                continue
            np.save(work / f"{name}.npy", value)
            flags.append(f"--capture={name}={work / name}.npy")
        library = work / f"{source.stem}.so"
        run("sparse-attn-compile", source, "-o", library)
        run("sparse-attn-run", library, "--random=B=2,S=700,Skv=900", "--verify", *flags)
        for target in TARGETS:
            run("sparse-attn-compile", source, "--element-type=bf16", f"--target={target}", "-o", library)
        proof = "not proved"
        if shutil.which("z3") and source.stem not in UNPROVED:
            proof = run("sparse-attn-prove", source).splitlines()[-1]
        print(f"{source.stem}: {proof}", flush=True)


main()
