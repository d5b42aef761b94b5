# One or more patterns for every op, and what they capture.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import numpy as np

from expressions import (
    PER_BATCH, PER_POSITION, causal, chunk, columns, complement, dense, document_ids, documents, exponential, global_tokens,
    intersect, keys, neighborhood, per_head, predicate, prefix_lm, queries, random, same_document, segment, stride, tree, union,
    vertical_slash, window,
)  # fmt: skip


def parity_of_head():
    """Even heads see even distances, odd heads the others: floor division and remainder of negative positions too."""
    return predicate(
        """%two = arith.constant 2 : index
           %distance = arith.subi %q, %k : index
           %sum = arith.addi %distance, %h : index
           %half = arith.floordivsi %sum, %two : index
           %double = arith.muli %half, %two : index
           %attends = arith.cmpi eq, %sum, %double : index""",
        lambda f: (f.q - f.k + f.head) % 2 == 0,
    )


def prefix_of_batch():
    """Causal, or among the first keys, of which each batch has a number of its own, in a captured array."""
    return predicate(
        f"""%prefix = sparse_attn.read %prefixes[%b] : {PER_POSITION}
            %first = arith.index_cast %prefix : i32 to index
            %in = arith.cmpi slt, %k, %first : index
            %past = arith.cmpi sle, %k, %q : index
            %attends = arith.ori %in, %past : i1""",
        lambda f: (f.k < f.captures["prefixes"][f.batch]) | (f.k <= f.q),
        {"prefixes": PER_POSITION},
    )


def first_of_document():
    """The first positions of every document, found by a search of a predicate's own."""
    return predicate(
        f"""%document = sparse_attn.upper_bound %offsets[] of %k : {PER_POSITION}
            %one = arith.constant 1 : index
            %before = arith.subi %document, %one : index
            %begin = sparse_attn.read %offsets[%before] : {PER_POSITION}
            %position = arith.index_cast %k : index to i32
            %distance = arith.subi %position, %begin : i32
            %few = arith.constant 3 : i32
            %attends = arith.cmpi slt, %distance, %few : i32""",
        first_of_document_formula,
        {"offsets": PER_POSITION},
    )


def first_of_document_formula(frame):
    begin, inside = frame.read("offsets", np.searchsorted(frame.captures["offsets"], frame.k, side="right") - 1)
    return np.broadcast_to(inside & (frame.k - begin < 3), frame.shape)


def searched_document():
    """Positions between the same offsets, before the first and behind the last included."""
    return predicate(
        f"""%of_query = sparse_attn.upper_bound %batch_offsets[%b] of %q : {PER_BATCH}
            %of_key = sparse_attn.upper_bound %batch_offsets[%b] of %k : {PER_BATCH}
            %attends = arith.cmpi eq, %of_query, %of_key : index""",
        searched_document_formula,
        {"batch_offsets": PER_BATCH},
    )


def searched_document_formula(frame):
    count = lambda position: np.searchsorted(frame.captures["batch_offsets"][frame.batch], position, side="right")
    return count(frame.q) == count(frame.k)


PATTERNS = {
    "dense": dense(),
    "causal": causal(),
    "window": window(37, 11),
    "window_ahead": window(-3, 40),
    "window_behind": window(90, -20),
    "window_left_only": window(left=50),
    "window_right_only": window(right=9),
    "keys": keys(21),
    "queries": queries(33),
    "global": global_tokens(19),
    "chunk": chunk(48),
    "stride": stride(8),
    "stride_odd": stride(7),
    "exponential": exponential(2),
    "exponential_of_3": exponential(3),
    "log_sparse": intersect(causal(), union(exponential(4), window(8, 0))),
    "columns": columns(64, 5),
    "columns_odd": columns(37, 3),
    "fixed": union(intersect(causal(), chunk(64)), intersect(causal(), columns(64, 8))),
    "summaries_elsewhere": intersect(complement(columns(48, 40)), complement(window(20, 20))),
    "heads": per_head(intersect(causal(), union(window(30, 0), keys(4))), causal(), stride(16)),
    "segment": segment(64, 4),
    "longnet": union(segment(32, 1), segment(96, 3, shift=True)),
    "neighborhood_of_line": neighborhood((180,), (40,)),
    "neighborhood_of_line_causal": neighborhood((230,), (40,), stride=(7,), causal=(True,)),
    "neighborhood_of_line_dilated": neighborhood((100,), (9,), step=(7,), stride=(3,)),
    "neighborhood_of_image": neighborhood((12, 16), (5, 4)),
    "neighborhood_of_image_dilated": neighborhood((14, 13), (5, 3), step=(2, 4), stride=(1, 2)),
    "neighborhood_of_image_tiled": neighborhood((12, 16), (6, 12), stride=(4, 4), tile=(4, 8)),
    "neighborhood_of_video": neighborhood((4, 7, 6), (2, 3, 6), causal=(True, False, False)),
    "neighborhood_of_video_tiled": neighborhood(
        (4, 8, 6), (3, 3, 2), step=(1, 2, 2), stride=(2, 1, 2), tile=(2, 4, 3), causal=(True, False, True)
    ),
    "sliding_tiles": neighborhood((4, 8, 4), (4, 8, 4), stride=(2, 4, 2), tile=(2, 4, 2)),
    "neighborhood_and_sinks": union(neighborhood((10, 20), (3, 7), tile=(5, 4)), keys(4)),
    "off_neighborhood": complement(neighborhood((10, 20), (3, 7), tile=(5, 4))),
    "prefix_lm": prefix_lm("prefixes"),
    "prefix_lm_near": intersect(prefix_lm("prefixes"), union(window(40, 40), keys(16))),
    "prefix_lm_packed": intersect(prefix_lm("prefixes"), same_document("ids")),
    "random": random(2, 16, 7),
    "document": same_document("ids"),
    "document_of_batch": same_document("batch_ids", per_batch=True),
    "documents": documents("offsets"),
    "documents_of_batch": intersect(causal(), documents("batch_offsets", per_batch=True)),
    "documents_elsewhere": complement(documents("offsets")),
    "documents_near": intersect(documents("offsets"), union(window(30, 0), stride(16))),
    "documents_by_id": document_ids("ids"),
    "documents_by_id_of_batch": union(document_ids("batch_ids", per_batch=True), keys(3)),
    "documents_by_both": intersect(documents("batch_offsets", per_batch=True), document_ids("ids")),
    "first_of_document": first_of_document(),
    "searched_document": searched_document(),
    "tree": tree("parents"),
    "tree_of_batch": intersect(tree("batch_parents", per_batch=True), union(window(40, 0), keys(7))),
    "tree_or_chunk": union(tree("parents"), intersect(causal(), chunk(32))),
    "not_in_tree": complement(tree("parents")),
    "vertical_slash": vertical_slash("columns", "diagonals"),
    "vertical_slash_of_heads": vertical_slash("head_columns", "head_diagonals", per_head=True),
    "slash_or_window": union(vertical_slash("head_columns", "head_diagonals", per_head=True), window(8, 0)),
    "off_lines": intersect(causal(), complement(vertical_slash("columns", "columns"))),
    "predicate": parity_of_head(),
    "prefix": prefix_of_batch(),
    "union": union(window(20, 20), global_tokens(17)),
    "union_of_strides": intersect(causal(), union(stride(6), stride(10), window(12, 0))),
    "intersect": intersect(causal(), union(window(24, 0), keys(5), stride(16))),
    "packed": intersect(causal(), same_document("ids"), window(70, 70)),
    "bigbird": union(window(16, 16), global_tokens(8), random(1, 32, 3)),
    "complement": complement(window(40, 40)),
    "complement_of_union": complement(union(chunk(32), keys(10), causal())),
    "captured_window": window("width", "width"),
    "captured_parameters": union(keys("sinks"), intersect(causal(), chunk("size"))),
}


def documents(generator, length):
    """Ids of consecutive documents of about 40 positions."""
    return np.cumsum(generator.random(length) < 1 / 40).astype(np.int32)


def offsets(generator, length):
    """Where documents of about 40 positions begin, some of them empty, and where the last ends: at times not at the end."""
    ends = np.sort(generator.integers(0, length + 1, length // 40 + 2))
    first = 0 if generator.random() < 0.5 else ends[0]
    return np.concatenate([[first], ends, ends[-1:]]).astype(np.int32)


def offsets_of_batches(generator, sizes):
    return np.stack([offsets(generator, sizes.keys) for _ in range(sizes.batch)]) if sizes.batch else np.zeros((0, 3), np.int32)


def parents(generator, length):
    """A forest of about a third of the positions: chains, and here and there a branch."""
    nodes = generator.integers(0, length // 3 + 2) if length else 0
    node = np.arange(min(nodes, length))
    branch = generator.random(node.size) < 0.3
    return np.where(branch, (generator.random(node.size) * (node + 1)).astype(int) - 1, node - 1).astype(np.int32)


def parents_of_batches(generator, sizes):
    """A forest for each batch, all of one size."""
    one = parents(generator, sizes.keys)
    node = np.arange(one.size)
    rows = [np.minimum(np.roll(one, batch), node - 1) for batch in range(sizes.batch)]
    return np.stack(rows).astype(np.int32) if rows else np.zeros((0, one.size), np.int32)


def lines(generator, shape, length):
    """A few ascending numbers in each row, some equal and some no positions."""
    return np.sort(generator.integers(-3, length + 40, (*shape, 9))).astype(np.int32)


def captures(seed, sizes):
    """A value for every captured name of the catalogue."""
    generator = np.random.default_rng(seed)
    return {
        "ids": documents(generator, sizes.keys),
        "batch_ids": np.stack([documents(generator, sizes.keys) for _ in range(sizes.batch)])
        if sizes.batch
        else np.zeros((0, sizes.keys), np.int32),
        "prefixes": generator.integers(0, max(sizes.keys, 1), sizes.batch).astype(np.int32),
        "offsets": offsets(generator, sizes.keys),
        "batch_offsets": offsets_of_batches(generator, sizes),
        "parents": parents(generator, sizes.keys),
        "batch_parents": parents_of_batches(generator, sizes),
        "columns": lines(generator, (), sizes.keys),
        "diagonals": lines(generator, (), sizes.keys),
        "head_columns": lines(generator, (sizes.batch, sizes.heads), sizes.keys),
        "head_diagonals": lines(generator, (sizes.batch, sizes.heads), sizes.keys),
        "width": 29,
        "sinks": 6,
        "size": 50,
    }
