# Score regions: the text of each beside a formula of float64 arrays, written by hand.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import numpy as np

INDEX, INTEGERS = "index", "memref<?x?xi32>"


def floats(rank):
    return f"memref<{'?x' * rank}f32>"


class ScoreRegion:
    """`body` computes `result` (f32) from %s, %b, %h, %i (query) and %j (key); `formula` gets a Frame and the scores of its
    pairs."""

    def __init__(self, body, formula, captures=None, result="%new"):
        self.body = body
        self.formula = formula
        self.captures = captures or {}
        self.result = result

    def text(self):
        lines = "\n".join("    " + line.strip() for line in self.body.strip().splitlines())
        return f"score (%s, %b, %h, %i, %j) {{\n{lines}\n    sparse_attn.yield {self.result} : f32\n  }}"


def nearest(frame, name, *indices):
    """Elements of a captured array, at the nearest place where the indices are outside; 0 of an empty one."""
    array = frame.captures[name].astype(np.float64)
    if array.size == 0:
        return np.zeros(np.broadcast_shapes(*(np.shape(index) for index in indices)))
    return array[tuple(np.clip(index, 0, size - 1) for index, size in zip(indices, array.shape))]


# %distance is key - query, as an index and as a number.
DISTANCE = """%distance = arith.subi %j, %i : index
              %integer = arith.index_cast %distance : index to i32
              %number = arith.sitofp %integer : i32 to f32"""


def alibi():
    """Press et al., arXiv:2108.12409, in both directions."""
    return ScoreRegion(
        f"""{DISTANCE}
            %slope = sparse_attn.read %slopes[%h] : {floats(1)}
            %length = math.absf %number : f32
            %bias = arith.mulf %slope, %length : f32
            %new = arith.subf %s, %bias : f32""",
        lambda f, s: s - nearest(f, "slopes", f.head) * np.abs(f.k - f.q),
        {"slopes": floats(1)},
    )


def soft_cap(cap):
    return ScoreRegion(
        f"""%cap = arith.constant {cap:.6e} : f32
            %ratio = arith.divf %s, %cap : f32
            %bounded = math.tanh %ratio : f32
            %new = arith.mulf %bounded, %cap : f32""",
        lambda f, s: cap * np.tanh(s / cap),
    )


def relative_bias():
    """A table [heads, 2 n + 1] of distances from -n to n; those further away count as these."""
    return ScoreRegion(
        f"""{DISTANCE}
            %zero = arith.constant 0 : index
            %shifted = arith.addi %distance, %n : index
            %twice = arith.addi %n, %n : index
            %above = arith.maxsi %shifted, %zero : index
            %place = arith.minsi %above, %twice : index
            %bias = sparse_attn.read %table[%h, %place] : {floats(2)}
            %new = arith.addf %s, %bias : f32""",
        relative_bias_formula,
        {"n": INDEX, "table": floats(2)},
    )


def relative_bias_formula(frame, scores):
    n = frame.captures["n"]
    return scores + nearest(frame, "table", frame.head, np.clip(frame.k - frame.q, -n, n) + n)


def relative_bias_of_read():
    """The same, where nothing but the read clamps."""
    return ScoreRegion(
        f"""%distance = arith.subi %j, %i : index
            %place = arith.addi %distance, %n : index
            %bias = sparse_attn.read %table[%h, %place] : {floats(2)}
            %new = arith.addf %s, %bias : f32""",
        lambda f, s: s + nearest(f, "table", f.head, f.k - f.q + f.captures["n"]),
        {"n": INDEX, "table": floats(2)},
    )


def never_beyond(most):
    """A mask in the guise of scores."""
    return ScoreRegion(
        f"""{DISTANCE}
            %most = arith.constant {most:.6e} : f32
            %none = arith.constant 0xFF800000 : f32
            %length = math.absf %number : f32
            %far = arith.cmpf ogt, %length, %most : f32
            %new = arith.select %far, %none, %s : f32""",
        lambda f, s: np.where(np.abs(f.k - f.q) > most, -np.inf, s),
    )


def temperature_of_batch():
    """Reads nothing: batch b multiplies by 1 + b."""
    return ScoreRegion(
        """%one = arith.constant 1 : index
           %next = arith.addi %b, %one : index
           %integer = arith.index_cast %next : index to i32
           %factor = arith.sitofp %integer : i32 to f32
           %new = arith.mulf %s, %factor : f32""",
        lambda f, s: s * (1 + f.batch),
    )


def integer_table():
    """Of batch and key."""
    return ScoreRegion(
        f"""%half = arith.constant 0.5 : f32
            %integer = sparse_attn.read %integers[%b, %j] : {INTEGERS}
            %number = arith.sitofp %integer : i32 to f32
            %bias = arith.mulf %number, %half : f32
            %new = arith.addf %s, %bias : f32""",
        lambda f, s: s + 0.5 * nearest(f, "integers", f.batch, f.k),
        {"integers": INTEGERS},
    )


def full_bias():
    """One number for each batch, head, query and key."""
    return ScoreRegion(
        f"""%bias = sparse_attn.read %bias4[%b, %h, %i, %j] : {floats(4)}
            %new = arith.addf %s, %bias : f32""",
        lambda f, s: s + nearest(f, "bias4", f.batch, f.head, f.q, f.k),
        {"bias4": floats(4)},
    )


def bias_of_query():
    """Of key, head and query, in this order: queries stand in the last dimension, then in the first."""
    return ScoreRegion(
        f"""%left = sparse_attn.read %bias3[%j, %h, %i] : {floats(3)}
            %right = sparse_attn.read %bias3[%i, %h, %j] : {floats(3)}
            %bias = arith.subf %left, %right : f32
            %new = arith.addf %s, %bias : f32""",
        lambda f, s: s + nearest(f, "bias3", f.k, f.head, f.q) - nearest(f, "bias3", f.q, f.head, f.k),
        {"bias3": floats(3)},
    )


def no_product():
    """Scores that are the same for all pairs."""
    return ScoreRegion(
        f"%new = sparse_attn.read %slopes[%h] : {floats(1)}",
        lambda f, s: np.broadcast_to(nearest(f, "slopes", f.head), s.shape),
        {"slopes": floats(1)},
    )


def unchanged():
    return ScoreRegion("", lambda f, s: s, result="%s")


def constant():
    return ScoreRegion("%new = arith.constant -3.0 : f32", lambda f, s: np.full_like(s, -3))


def positions():
    """Positions that wrong alignment, classes or tiles would shift."""
    return ScoreRegion(
        """%five = arith.constant 5 : index
           %three = arith.constant 3 : index
           %scale = arith.constant 0.25 : f32
           %of_query = arith.remsi %i, %five : index
           %of_key = arith.remsi %j, %three : index
           %product = arith.muli %of_query, %of_key : index
           %integer = arith.index_cast %product : index to i64
           %number = arith.sitofp %integer : i64 to f32
           %new = math.fma %number, %scale, %s : f32""",
        lambda f, s: s + 0.25 * np.fmod(f.q, 5) * np.fmod(f.k, 3),
    )
