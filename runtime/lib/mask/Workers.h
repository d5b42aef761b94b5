//===- Workers.h - How threads share the rows of a mask -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_WORKERS_H
#define SPARSE_ATTN_LIB_MASK_WORKERS_H

#include "Threads.h"
#include "mask/RowProducer.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace sparse_attn::mask {

/// The number of workers for a wish of `threads`, where 0 is as many as there are.
inline int32_t workersFor(int32_t threads) { return threads <= 0 ? threadCount() : std::min(threads, threadCount()); }

/// Calls body(RowProducer &, uint32_t begin, uint32_t end) for chunks of rows that cover [0, rows), on up to `threads`
/// threads, each with a producer of its own.
template <typename Body>
void shareRows(uint32_t rows, uint32_t chunk, int32_t threads, const RowSource &source, const Body &body) {
  int32_t workers = workersFor(threads);
  std::vector<std::unique_ptr<RowProducer>> producers(static_cast<size_t>(workers));
  parallelChunks(rows, chunk, workers, [&](int32_t worker, int64_t begin, int64_t end) {
    std::unique_ptr<RowProducer> &producer = producers[static_cast<size_t>(worker)];
    if (!producer)
      producer = source();
    body(*producer, static_cast<uint32_t>(begin), static_cast<uint32_t>(end));
  });
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_WORKERS_H
