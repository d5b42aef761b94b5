//===- SampleRows.h - The rows that a verification looks at ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_SAMPLEROWS_H
#define SPARSE_ATTN_RUN_SAMPLEROWS_H

#include <cstdint>
#include <vector>

namespace sparse_attn::tools::run {

/// One row of the output.
struct Row {
  int64_t batch, head, query;
};

/// All rows of an output, batch by batch and head by head.
std::vector<Row> allRows(int64_t batches, int64_t heads, int64_t queries);

/// `count` rows, or all where there are fewer: the first and the last, some of the first 64 (where patterns put global
/// rows), rows at and beside edges of query tiles of `tileQ` rows, and random ones. The same for the same arguments.
std::vector<Row> sampleRows(int64_t batches, int64_t heads, int64_t queries, int64_t tileQ, int64_t count);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_SAMPLEROWS_H
