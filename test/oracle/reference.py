# Attention in float64, and how far a result may be from it.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import math

import numpy as np

# Largest accepted max|O - O_ref| / max|V|, and largest absolute error of a log-sum-exp.
OUTPUT_TOLERANCE = {"f32": 2e-6, "f16": 1e-3, "bf16": 8e-3}
LSE_TOLERANCE = {"f32": 1e-5, "f16": 2e-3, "bf16": 2e-3}


def attention_rows(query, key, value, attends, scale, score=None):
    """softmax(scale * query * key^T) * value over the attending pairs, for one batch and head; with the log-sum-exp.

    `score` makes new scores of an array of them. A score of -inf does not attend. A row without attending pairs gives 0,
    and -inf. What does not attend cannot spoil a row; what attends does: a NaN among its scores or values makes a NaN.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        scores = scale * (query @ key.T)
        if score:
            scores = np.broadcast_to(score(scores), scores.shape)
    attends = attends & ~np.isneginf(scores)
    output = np.zeros((query.shape[0], value.shape[1]))
    lse = np.full(query.shape[0], -np.inf)
    for row in range(query.shape[0]):
        chosen = np.flatnonzero(attends[row])
        if chosen.size == 0:
            continue
        with np.errstate(invalid="ignore", over="ignore"):
            maximum = np.max(scores[row, chosen])
            weights = np.exp(scores[row, chosen] - maximum)
            output[row] = weights @ value[chosen] / np.sum(weights)
            lse[row] = maximum + np.log(np.sum(weights))
    return output, lse


def attention(query, key, value, mask, scale=None, score=None):
    """Attention of float64 arrays [batch, heads, length, head size]; mask(b, h) is a Boolean array [queries, keys], and
    score(b, h, scores) the scores that take the place of an array of the same shape."""
    batch, heads, queries, head_size = query.shape
    scale = 1.0 / math.sqrt(head_size) if scale is None else scale
    group = heads // max(key.shape[1], 1)
    output = np.zeros(query.shape)
    lse = np.zeros((batch, heads, queries))
    for b in range(batch):
        for h in range(heads):
            score_rows = score and (lambda scores: score(b, h, scores))
            output[b, h], lse[b, h] = attention_rows(
                query[b, h], key[b, h // group], value[b, h // group], mask(b, h), scale, score_rows
            )
    return output, lse


def largest_difference(got, wanted):
    """max|got - wanted|; infinite where one of the two is NaN or infinite and the other is not the same."""
    if got.size == 0:
        return 0.0
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(got - wanted))
    return float(np.max(np.where(np.isnan(difference), np.inf, difference)))


def output_error(got, wanted, value):
    """max|O - O_ref| / max|V|, over the finite values of V."""
    finite = np.abs(value[np.isfinite(value)])
    return largest_difference(got, wanted) / max(float(np.max(finite, initial=0.0)), 1e-30)
