//===- Problem.h - A prepared kernel and its arrays ----------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_PROBLEM_H
#define SPARSE_ATTN_BENCH_PROBLEM_H

#include "Patterns.h"

#include "sparse_attn/Plan.h"

#include <cstdlib>
#include <memory>
#include <vector>

namespace sparse_attn::bench {

/// Uninitialised memory, aligned to 64 bytes. Pages cost nothing until they are written.
class Buffer {
public:
  explicit Buffer(size_t bytes);
  void *data() const { return memory.get(); }

private:
  struct Free {
    void operator()(void *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<void, Free> memory;
};

/// Query, key, value and output of [1, heads, length, head size], filled with random numbers of variance 1.
class Arrays {
public:
  Arrays(DType dtype, int64_t heads, int64_t length, int64_t headSize);

  /// Query, key and value of the first `length` rows of each head.
  std::vector<Value> arguments(int64_t length) const;
  Value result(int64_t length) const;
  /// Element i of array 0 (query), 1 (key), 2 (value) or 3 (output).
  float element(size_t array, int64_t i) const;

  const DType dtype;
  const int64_t heads, length, headSize;

private:
  Value view(size_t array, int64_t length) const;
  std::vector<Buffer> buffers;
};

/// A plan for some arrays, with a workspace.
class Problem {
public:
  /// `document` holds the captured array of a pattern of documents. Plans for the threads set at that time.
  Problem(std::shared_ptr<const Artifact> artifact, const Arrays &arrays, int64_t length,
          const std::vector<int32_t> *document = nullptr);

  void launch() const;
  const Plan &plan() const { return *prepared; }

  /// Compares some rows of the last launch with the reference. Throws an Error where they differ too much.
  void check(const Pattern &pattern) const;

private:
  const Arrays &arrays;
  int64_t length;
  std::vector<Value> arguments, results;
  std::shared_ptr<const Plan> prepared;
  Buffer workspace;
};

/// Plans `@attention` of an artifact.
std::shared_ptr<const Plan> prepare(std::shared_ptr<const Artifact> artifact, const std::vector<Value> &arguments,
                                    const PrepareOptions &options = {});

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_PROBLEM_H
