//===- Calls.cpp - The calls of a simulated kernel ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table leads here. Each function has the C types of its entry in
// SimulatorCalls.def, hands its arguments to the object that they are about,
// and turns a failure into the end of the launch: there is nobody in a kernel
// to return it to.
//
//===----------------------------------------------------------------------===//

#include "sim/Calls.h"

#include "sim/Block.h"
#include "sparse_attn/NumericTypes.h"

#include <cmath>
#include <new>
#include <type_traits>

namespace sparse_attn::sim {

namespace {

using i32 = int32_t;
using i64 = int64_t;
using f32 = float;
using pointer = void *;
using none = void;

constexpr const char *names[] = {
#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...) #name,
#include "sparse_attn/SimulatorCalls.def"
};

Thread &threadOf(pointer thread) { return *static_cast<Thread *>(thread); }

/// False where the call failed, which has been recorded. Nothing that owns memory outlives this function.
template <typename Body> bool succeeds(Call call, Thread &thread, const Body &body) {
  Scheduler &scheduler = thread.block->scheduler;
  try {
    Status status = body(*thread.block);
    if (status.isOk())
      return true;
    scheduler.fail(makeError(status.code(), status.message(), " (", callName(call), " of block ", thread.block->id(),
                             ", thread ", thread.index, ")"));
  } catch (const std::bad_alloc &) {
    // The frames of the kernel cannot be unwound. So short a message takes no memory.
    scheduler.fail(Status(StatusCode::OutOfMemory, "out of memory"));
  }
  return false;
}

/// Runs `body(block)`, which may fail. Then no thread goes on, and nobody comes back to this one.
template <typename Body> void perform(Call call, Thread &thread, const Body &body) {
  if (!succeeds(call, thread, body))
    thread.block->scheduler.leave(thread);
}

/// As above, for a call after which other threads may well run first.
template <typename Body> void performAndPause(Call call, Thread &thread, const Body &body) {
  perform(call, thread, body);
  thread.block->scheduler.pause(thread);
}

template <typename Body> void performTogether(Call call, Thread &thread, const Body &body) {
  perform(call, thread, [&](Block &block) {
    Warpgroup *warpgroup = nullptr;
    Status status = block.warpgroupOf(thread, warpgroup);
    return status.isOk() ? body(*warpgroup) : status;
  });
}

// One function for each entry of the table, of its name.
namespace table {

pointer shared_memory(pointer thread) { return threadOf(thread).block->shared.base(); }
i32 thread_id(pointer thread) { return threadOf(thread).index; }
i32 block_id(pointer thread) { return static_cast<i32>(threadOf(thread).block->id()); }
i32 grid_size(pointer thread) { return static_cast<i32>(threadOf(thread).block->grid().blocks); }

none barrier(pointer self, i32 id, i32 threads) {
  Thread &thread = threadOf(self);
  perform(Call::barrier, thread, [&](Block &block) { return block.barriers.wait(thread, id, threads); });
}

none barrier_arrive(pointer self, i32 id, i32 threads) {
  performAndPause(Call::barrier_arrive, threadOf(self),
                  [&](Block &block) { return block.barriers.arrive(id, threads); });
}

f32 shuffle_xor(pointer self, f32 value, i32 mask) {
  Thread &thread = threadOf(self);
  uint32_t word = bitsOfFloat(value);
  perform(Call::shuffle_xor, thread, [&](Block &block) { return block.warpOf(thread).shuffleXor(thread, word, mask); });
  return floatOfBits(word);
}

i32 shuffle_index(pointer self, i32 value, i32 lane) {
  Thread &thread = threadOf(self);
  uint32_t word = static_cast<uint32_t>(value);
  perform(Call::shuffle_index, thread,
          [&](Block &block) { return block.warpOf(thread).shuffleIndex(thread, word, lane); });
  return static_cast<i32>(word);
}

i32 elect(pointer self) {
  Thread &thread = threadOf(self);
  i32 elected = 0;
  perform(Call::elect, thread, [&](Block &block) { return block.warpOf(thread).elect(thread, elected); });
  return elected;
}

f32 exp2(pointer, f32 value) { return ::exp2f(value); }
f32 log2(pointer, f32 value) { return ::log2f(value); }
f32 reciprocal(pointer, f32 value) { return 1.0f / value; }

i32 pack_halves(pointer, f32 high, f32 low, i32 bfloat16) {
  uint32_t upper = bfloat16 != 0 ? floatToBf16(high) : floatToF16(high);
  uint32_t lower = bfloat16 != 0 ? floatToBf16(low) : floatToF16(low);
  return static_cast<i32>(upper << 16 | lower);
}

none copy_async(pointer self, pointer to, pointer from, i32 bytes) {
  Thread &thread = threadOf(self);
  perform(Call::copy_async, thread, [&](Block &block) { return thread.copies.issue(block.shared, to, from, bytes); });
}

none copy_async_commit(pointer self) {
  Thread &thread = threadOf(self);
  performAndPause(Call::copy_async_commit, thread, [&](Block &) {
    thread.copies.commit();
    return Status();
  });
}

none copy_async_wait(pointer self, i32 allowed) {
  Thread &thread = threadOf(self);
  performAndPause(Call::copy_async_wait, thread,
                  [&](Block &block) { return thread.copies.wait(block.shared, allowed); });
}

none load_matrix(pointer self, pointer words, pointer row, i32 transposed) {
  Thread &thread = threadOf(self);
  perform(Call::load_matrix, thread, [&](Block &block) {
    return block.warpOf(thread).loadMatrix(thread, static_cast<uint32_t *>(words), row, transposed != 0);
  });
}

none multiply(pointer self, pointer accumulator, i32 a0, i32 a1, i32 a2, i32 a3, i32 b0, i32 b1, i32 bfloat16) {
  Thread &thread = threadOf(self);
  Warp::Operands operands{
      {static_cast<uint32_t>(a0), static_cast<uint32_t>(a1), static_cast<uint32_t>(a2), static_cast<uint32_t>(a3)},
      {static_cast<uint32_t>(b0), static_cast<uint32_t>(b1)}};
  perform(Call::multiply, thread, [&](Block &block) {
    return block.warpOf(thread).multiply(thread, static_cast<float *>(accumulator), operands, bfloat16 != 0);
  });
}

none mbarrier_init(pointer self, pointer address, i32 count) {
  Thread &thread = threadOf(self);
  performAndPause(Call::mbarrier_init, thread,
                  [&](Block &block) { return block.mbarriers.init(thread, address, count); });
}

none mbarrier_arrive(pointer self, pointer address) {
  performAndPause(Call::mbarrier_arrive, threadOf(self),
                  [&](Block &block) { return block.mbarriers.arrive(address, 0); });
}

none mbarrier_arrive_expect(pointer self, pointer address, i32 bytes) {
  performAndPause(Call::mbarrier_arrive_expect, threadOf(self),
                  [&](Block &block) { return block.mbarriers.arrive(address, bytes); });
}

none mbarrier_wait(pointer self, pointer address, i32 parity) {
  Thread &thread = threadOf(self);
  perform(Call::mbarrier_wait, thread, [&](Block &block) { return block.mbarriers.wait(thread, address, parity); });
}

none tensor_load(pointer self, pointer to, pointer map, pointer mbarrier, i32 x, i32 y, i32 z, i32 w, i32 v) {
  Thread &thread = threadOf(self);
  performAndPause(Call::tensor_load, thread, [&](Block &block) {
    TensorLoad load{&block, thread.index, 0, 0, {}, {x, y, z, w, v}};
    if (Status status = decodeMap(map, load.map); !status.isOk())
      return status;
    if (Status status = block.shared.find(to, load.map.boxBytes(), 128, load.offset); !status.isOk())
      return status;
    if (Status status = block.mbarriers.findVisible(mbarrier, load.mbarrier); !status.isOk())
      return status;
    return block.scheduler.tensorLoads().issue(load);
  });
}

none tensor_store(pointer self, pointer map, pointer from, i32 x, i32 y, i32 z, i32 w, i32 v) {
  Thread &thread = threadOf(self);
  performAndPause(Call::tensor_store, thread, [&](Block &block) {
    ArrayMap array;
    Status status = decodeMap(map, array);
    return status.isOk() ? thread.stores.issue(block.shared, from, array, {x, y, z, w, v}) : status;
  });
}

none tensor_store_commit(pointer self) {
  Thread &thread = threadOf(self);
  performAndPause(Call::tensor_store_commit, thread, [&](Block &) {
    thread.stores.commit();
    return Status();
  });
}

none tensor_store_wait(pointer self, i32 allowed) {
  Thread &thread = threadOf(self);
  performAndPause(Call::tensor_store_wait, thread,
                  [&](Block &block) { return thread.stores.wait(block.shared, allowed); });
}

// Plain writes are not seen, so that their order cannot be checked; snapshots find the writes that come too late.
none fence_async(pointer self) { threadOf(self).block->scheduler.pause(threadOf(self)); }

none fence_mbarrier_init(pointer self) {
  Thread &thread = threadOf(self);
  performAndPause(Call::fence_mbarrier_init, thread, [&](Block &block) {
    block.mbarriers.makeVisible(thread);
    return Status();
  });
}

none warpgroup_multiply(pointer self, pointer accumulator, i32 columns, i32 flags, pointer words, i64 a, i64 b) {
  Thread &thread = threadOf(self);
  Warpgroup::Request request{columns,          (flags & 1) != 0,         (flags & 2) != 0,        (flags & 4) != 0,
                             words != nullptr, static_cast<uint64_t>(a), static_cast<uint64_t>(b)};
  performTogether(Call::warpgroup_multiply, thread, [&](Warpgroup &warpgroup) {
    return warpgroup.multiply(thread, request, static_cast<float *>(accumulator), static_cast<uint32_t *>(words));
  });
}

none warpgroup_fence(pointer self) {
  Thread &thread = threadOf(self);
  performTogether(Call::warpgroup_fence, thread, [&](Warpgroup &warpgroup) { return warpgroup.fence(thread); });
}

none warpgroup_commit(pointer self) {
  Thread &thread = threadOf(self);
  performTogether(Call::warpgroup_commit, thread, [&](Warpgroup &warpgroup) { return warpgroup.commit(thread); });
}

none warpgroup_wait(pointer self, pointer values, i32 count, i32 allowed) {
  Thread &thread = threadOf(self);
  performTogether(Call::warpgroup_wait, thread, [&](Warpgroup &warpgroup) {
    return warpgroup.wait(thread, static_cast<float *>(values), count, allowed);
  });
}

none set_max_registers(pointer self, i32 registers, i32) {
  perform(Call::set_max_registers, threadOf(self), [&](Block &) {
    bool valid = registers >= 24 && registers <= 256 && registers % 8 == 0;
    return valid ? Status()
                 : makeError(StatusCode::DeviceError, "expects a multiple of 8 from 24 to 256 registers, but got ",
                             registers);
  });
}

} // namespace table

/// What `Entry`, the result and the arguments of an entry, is a function of with the thread before.
template <typename Entry> struct Signature;
template <typename Result, typename... Arguments> struct Signature<Result(Arguments...)> {
  using Function = Result (*)(pointer, Arguments...);
};

#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...)                                                                  \
  static_assert(std::is_same_v<decltype(&table::name), Signature<result(__VA_ARGS__)>::Function>);
#include "sparse_attn/SimulatorCalls.def"

} // namespace

const char *callName(Call call) { return names[static_cast<size_t>(call)]; }

const void *const *callTable() {
  static const void *const functions[] = {
#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...) reinterpret_cast<const void *>(&table::name),
#include "sparse_attn/SimulatorCalls.def"
  };
  return functions;
}

} // namespace sparse_attn::sim
