//===- Warpgroup.h - Asynchronous products of a warpgroup -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The result of a wgmma is not there until the warpgroup has waited for it.
// Here its registers hold tokens until then: signalling NaNs that name the
// product and the element, so that arithmetic on them yields NaN, and so that
// the next product of a chain can be told from one that starts too early.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_WARPGROUP_H
#define SPARSE_ATTN_LIB_SIM_WARPGROUP_H

#include "sim/Groups.h"
#include "sim/Rendezvous.h"
#include "sim/SharedMemory.h"

#include <cstdint>
#include <vector>

namespace sparse_attn::sim {

class Warpgroup {
public:
  Warpgroup(Scheduler &scheduler, const SharedMemory &shared, Thread *threads)
      : rendezvous(scheduler, threads, Thread::warpgroupSize), shared(shared) {}

  /// What a thread asks for; all of a warpgroup ask for the same.
  struct Request {
    int32_t columns;
    bool add, transposed, bfloat16, fromWords;
    uint64_t a, b; ///< Descriptors; that of A only where its words are not given.

    bool operator==(const Request &other) const;
  };

  void reset();
  Status multiply(Thread &thread, const Request &request, float *accumulator, const uint32_t *words);
  Status fence(Thread &thread);
  Status commit(Thread &thread);
  /// Replaces the tokens of finished products among `count` values by their results.
  Status wait(Thread &thread, float *values, int32_t count, int32_t allowed);

private:
  static constexpr size_t rows = 64;
  /// The slot of a product that is none.
  static constexpr int32_t none = -1;

  enum class State { Free, Pending, Finished };
  struct Product {
    State state = State::Free;
    Request request;
    int32_t chained = none;       ///< The product that it adds to, where that was not waited for.
    bool continued = false;       ///< Another one adds to this one.
    size_t undelivered = 0;       ///< Results that no thread has fetched.
    std::vector<uint16_t> shared; ///< Operands in shared memory as they were at the issue: B, and A but for words.
    std::vector<uint16_t> words;  ///< A in registers: [64][16].
    std::vector<float> result;    ///< [64][columns]; before, what the product is added to.
  };

  Status open(const Request &request);
  Status takeAccumulator(Product &product, int32_t index, float *accumulator);
  Status checkChain(const Product &product, int32_t previous, const float *accumulator, size_t count) const;
  Status snapshot(const Request &request, std::vector<uint16_t> &to) const;
  Status compute(int32_t slot);
  void deliver(int32_t index, float *values, size_t count);
  void release(int32_t slot);

  Rendezvous rendezvous;
  const SharedMemory &shared;
  std::vector<Product> products;
  std::vector<int32_t> freeSlots;
  Groups<int32_t> pending;
  int32_t current = none;        ///< The product that threads are joining.
  bool fenced = false;           ///< Since the last wait.
  std::vector<uint16_t> scratch; ///< Operands when they are used.
  std::vector<float> wideA, wideB;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_WARPGROUP_H
