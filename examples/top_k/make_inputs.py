# Queries, keys and values of 2 heads x 4096 tokens x 64, whose queries look for the keys of a few other places.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   make_inputs.py FOLDER

import pathlib
import sys

import numpy as np

HEADS, LENGTH, HEAD_SIZE, TOPIC = 2, 4096, 64, 128


def main():
    folder = pathlib.Path(sys.argv[1])
    generator = np.random.default_rng(3)
    # Tokens of a topic share a direction; the queries of a topic look for that of an earlier one.
    topics = LENGTH // TOPIC
    directions = generator.standard_normal((HEADS, topics, HEAD_SIZE))
    sought = np.stack([[generator.integers(0, topic + 1) for topic in range(topics)] for _ in range(HEADS)])
    of_keys = np.repeat(directions, TOPIC, axis=1)
    of_queries = np.repeat(np.take_along_axis(directions, sought[:, :, None], axis=1), TOPIC, axis=1)
    noise = lambda: generator.standard_normal((HEADS, LENGTH, HEAD_SIZE))
    for name, array in (("q", of_queries + noise()), ("k", of_keys + noise()), ("v", noise())):
        np.save(folder / f"{name}.npy", array[None].astype(np.float32))


main()
