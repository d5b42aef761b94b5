//===- Plan.h - A function prepared for its shapes ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that can be checked, analysed or allocated before the buffers are known
// happens in `prepare`, once: shapes, the CPU level, block minima and maxima
// of captured arrays, lists of key tiles, the order of the work, and for a GPU
// the upload of it all. `launch` then only checks sizes and runs.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_PLAN_H
#define SPARSE_ATTN_PLAN_H

#include "sparse_attn/Accelerator.h"
#include "sparse_attn/Artifact.h"
#include "sparse_attn/MaskCache.h"
#include "sparse_attn/Value.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sparse_attn {

class StepPlan;
struct ValueName;

/// A number of key tiles: visited with mask code, visited without, and all there are.
struct TileCounts {
  int64_t partial = 0;
  int64_t full = 0;
  int64_t total = 0;
};

/// A kernel that a step might run, and what that would cost.
struct StepChoice {
  const KernelInfo *kernel; ///< Owned by the artifact.
  const Variant *variant;   ///< Owned by the artifact.
  double cost;              ///< In the unit of the variant's costs.
};

/// A sequence among others in the arrays of a step: some rows of its batch, or of the only batch.
struct Sequence {
  int64_t firstQuery = 0;
  int64_t queries = 0;
  int64_t firstKey = 0;
  int64_t keys = 0;
};

/// What was chosen and found for one step.
struct StepInfo {
  const KernelInfo *kernel; ///< Owned by the artifact.
  const Variant *variant;   ///< Owned by the artifact.
  Shape query;              ///< [batch, query heads, query length, head size]; of sequences, their number and the most.
  Shape key;                ///< [batch, key heads, key length, head size]; also the value's.
  std::vector<Sequence> sequences; ///< By batch; empty where each batch of the arrays is one.
  int64_t items;                   ///< Batch x query heads x query tiles; those of shorter sequences visit nothing.
  bool perBatch;       ///< Batches may attend to other pairs than one another, by the pattern or the masks given.
  bool perHead;        ///< Heads may.
  TileCounts tiles;    ///< Summed over the items.
  bool reordered;      ///< Items are handed out heaviest first instead of by number.
  bool budgetExceeded; ///< The listing of some row stopped early and listed too much.
  size_t listBytes;    ///< Memory of the lists of key tiles; 0 for closed-form schedules.
  size_t deviceBytes;  ///< Memory of the accelerator that the plan holds for the step; 0 on the CPU.
  std::vector<StepChoice> choices; ///< All kernels of the step, in the order of the manifest.

  /// The rows of the arrays that batch `b` of the items is about.
  Sequence sequenceOf(int64_t b) const {
    return sequences.empty() ? Sequence{0, query.size[2], 0, key.size[2]} : sequences[static_cast<size_t>(b)];
  }
};

/// What `prepare` may use.
struct PrepareOptions {
  /// Keeps and finds lists of tiles; null: none. Only used during the call.
  MaskCache *cache = nullptr;
  /// By argument; may be shorter. Who gives a version for a captured array or mask promises that the same version
  /// stands for the same contents as long as the cache lives; others are hashed.
  std::vector<std::optional<uint64_t>> versions;
  /// What runs an artifact for a GPU; the plan keeps it. Null: the GPU of the current CUDA context, opened once for
  /// each context, or the simulated device where the environment variable SPARSE_ATTN_DEVICE is `sim`, opened once.
  std::shared_ptr<const Accelerator> accelerator = nullptr;
};

/// Immutable once made; several threads may launch it at a time.
class SPARSE_ATTN_EXPORT Plan {
public:
  /// Plans `function` for the shapes of `arguments`, in the order of its declaration. Captured arrays and scalars are
  /// read here; captured arrays must stay valid and unchanged while the plan lives. Other data may be null.
  ///
  /// A length, batch or number of heads of 0 is allowed. Captured arrays are in host memory for every device.
  ///
  /// Errors: InvalidArgument for an unknown function, a wrong number or kind of arguments, a captured array without
  /// data, an accelerator for an artifact for the CPU; ShapeMismatch where sizes disagree with the manifest or among
  /// each other, are out of range or overflow; Unsupported where this CPU runs no variant, there is no GPU, or it runs
  /// no image of the artifact; OutOfMemory and DeviceError of the accelerator; DeviceError where a kernel reports a
  /// failure. Throws std::bad_alloc.
  static Result<std::shared_ptr<const Plan>> prepare(std::shared_ptr<const Artifact> artifact,
                                                     const std::string &function, ValueList arguments,
                                                     const PrepareOptions &options = {});

  /// The function of that name. Errors: InvalidArgument where there is none, or no artifact.
  static Result<const FunctionInfo *> findFunction(const std::shared_ptr<const Artifact> &artifact,
                                                   const std::string &function);

  Plan(const Plan &) = delete;
  Plan &operator=(const Plan &) = delete;
  ~Plan();

  /// Reads `arguments`, writes `results`, whose sizes must be those of the plan; strides may differ from `prepare`.
  /// `workspace` is 64-byte aligned, has at least `workspaceBytes()` bytes, and belongs to this launch until it
  /// returns. Allocates nothing on success. Captured scalars must have the values, and captured arrays the address
  /// (or null) and strides, that `prepare` saw.
  ///
  /// Results do not depend on the number of threads.
  ///
  /// On an accelerator, arrays (but captured ones) and the workspace are in its memory; queries, keys, values and
  /// outputs have addresses that are multiples of 16 bytes, and so are all strides but the innermost, where the size is
  /// above 1. The kernels are started on `stream`, in order, and may run after this has returned. Launches in one
  /// stream may queue without limit; where launches of one plan are spread over several streams, at most 64 of them may
  /// be unfinished, and a captured graph must not run beside other launches of the plan. The plan must live until they
  /// have ended, and until the last replay of a graph that holds a launch of it. On the CPU and on the simulated device
  /// `stream` is null.
  Status launch(ValueList arguments, ValueList results, void *workspace, size_t workspaceBytes,
                void *stream = nullptr) const;

  /// The intermediate arrays, and the scratch memory of every thread. That is for the number of threads set when the
  /// plan was made; a launch uses no more threads than that.
  size_t workspaceBytes() const { return workspaceSize; }

  const FunctionInfo &function() const { return *info; }
  /// Sizes that result `index` must have.
  const Shape &resultShape(size_t index) const { return resultShapes[index]; }

  /// Summed over all steps and items.
  TileCounts tiles() const;
  /// True if the listing of some row gave up on its budget, so that more tiles are visited than need be.
  bool budgetExceeded() const;

  /// Memory of the accelerator that the plan holds, over all steps; 0 on the CPU.
  size_t deviceBytes() const;

  size_t stepCount() const { return steps.size(); }
  StepInfo step(size_t index) const;
  /// Key tiles that one item of a step visits. Errors: InvalidArgument where there is no such item.
  Result<TileCounts> itemTiles(size_t step, int64_t item) const;
  /// The key tiles that one item of a step visits, in the order of the kernel: `partial` with mask code, then `full`
  /// without. Errors: InvalidArgument where there is no such item; Unsupported where the artifact cannot name them.
  Status visitedTiles(size_t step, int64_t item, std::vector<uint32_t> &partial, std::vector<uint32_t> &full) const;
  /// Evaluates the compiled predicate of a step: attends[k] becomes 1 where query row `row` (0-based, not aligned) of
  /// (b, h) attends to key k, else 0, for each of its keys. Errors: InvalidArgument where there is no such row.
  Status predicate(size_t step, int64_t b, int64_t h, int64_t row, uint8_t *attends) const;
  /// Applies the compiled score region of a step, in place, to a score (product times scale) of query row `row` with
  /// each of the keys; leaves them as they are where the step has none. Errors: InvalidArgument where there is no such
  /// row.
  Status modifyScores(size_t step, int64_t b, int64_t h, int64_t row, float *scores) const;

private:
  Plan();
  friend class PlanBuilder;

  /// The value that `operand` stands for in a launch.
  Value resolve(const Operand &operand, ValueList arguments, ValueList results, char *workspace) const;
  Status checkLaunch(ValueList arguments, ValueList results, const void *workspace, size_t workspaceBytes) const;
  /// Checks that kernels of a GPU can copy the arrays of every step 16 bytes at a time.
  Status checkAlignment(ValueList arguments, ValueList results, char *workspace) const;
  ValueName nameOf(const Operand &operand) const;

  std::shared_ptr<const Artifact> artifact;
  std::shared_ptr<const Accelerator> accelerator; ///< Null on the CPU.
  const FunctionInfo *info = nullptr;
  std::vector<Value> arguments; ///< As given to `prepare`.
  std::vector<bool> captured;   ///< Which arguments some pattern captures.
  std::vector<Shape> resultShapes;
  std::vector<Shape> bufferShapes;
  std::vector<size_t> bufferOffsets; ///< In the workspace.
  std::vector<std::unique_ptr<const StepPlan>> steps;
  size_t scratchOffset = 0; ///< In the workspace.
  size_t scratchStride = 0; ///< Bytes of one thread's scratch memory.
  int32_t maxWorkers = 1;
  size_t workspaceSize = 0;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_PLAN_H
