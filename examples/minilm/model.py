# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""all-MiniLM-L6-v2 in numpy, float32. The caller supplies the attention."""

import json
import struct

import numpy as np


def read_safetensors(path):
    """The float32 arrays of a .safetensors file: the length of a JSON header, the header, then the data."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    data = np.memmap(path, mode="r", offset=8 + length)
    arrays = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            arrays[name] = np.array(data[begin:end]).view(np.float32).reshape(entry["shape"])
    return arrays


def normalize(x, weight, bias):
    """Layer normalization."""
    centered = x - x.mean(-1, keepdims=True)
    variance = np.square(centered).mean(-1, keepdims=True)
    return centered / np.sqrt(variance + np.float32(1e-12)) * weight + bias


def gelu(x):
    """x * Phi(x). Abramowitz and Stegun, formula 7.1.26, for erf: absolute error below 1.5e-7."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * t
    return x * (0.5 + 0.5 * np.copysign(1 - series * np.exp(-z * z), x))


def attend_densely(query, key, value):
    """softmax(q k^T / sqrt(d)) v. Arrays are [tokens, heads, head size]."""
    query, key, value = (x.transpose(1, 0, 2) for x in (query, key, value))
    scores = query @ key.transpose(0, 2, 1) * np.float32(query.shape[-1] ** -0.5)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True) @ value).transpose(1, 0, 2)


class Model:
    def __init__(self, folder):
        config = json.loads((folder / "config.json").read_text())
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.weights = read_safetensors(folder / "model.safetensors")

    def linear(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name, x):
        return normalize(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def embed(self, tokens, positions):
        name = "embeddings.{}_embeddings.weight".format
        x = self.weights[name("word")][tokens] + self.weights[name("position")][positions]
        return self.norm("embeddings.LayerNorm", x + self.weights[name("token_type")][0])

    def run_layer(self, index, x, attend):
        name = f"encoder.layer.{index}"
        query, key, value = (
            self.linear(f"{name}.attention.self.{role}", x).reshape(len(x), self.heads, -1)
            for role in ("query", "key", "value")
        )
        attended = attend(query, key, value).reshape(x.shape)
        x = self.norm(f"{name}.attention.output.LayerNorm", x + self.linear(f"{name}.attention.output.dense", attended))
        inner = gelu(self.linear(f"{name}.intermediate.dense", x))
        return self.norm(f"{name}.output.LayerNorm", x + self.linear(f"{name}.output.dense", inner))

    def run(self, tokens, positions, attend):
        """The last hidden state, [tokens, hidden size]. `attend` gets and gives [tokens, heads, head size]."""
        x = self.embed(tokens, positions)
        for index in range(self.layers):
            x = self.run_layer(index, x, attend)
        return x


def pool(hidden):
    """The embedding of a text: the mean over its tokens, of length 1."""
    mean = hidden.mean(0)
    return mean / np.linalg.norm(mean)
