//===- StepPlan.h - One kernel prepared for its shapes --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan is a sequence of steps, each of which runs one kernel once. This is
// the analysis of such a step, the same for every device: the variant that fits
// the CPU, the argument block but for the addresses of a launch, the lists, and
// the order of the items. StepLaunch.h has what runs it.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_STEPPLAN_H
#define SPARSE_ATTN_LIB_STEPPLAN_H

#include "ArgumentBlock.h"
#include "CacheTable.h"
#include "CaptureTable.h"
#include "ItemOrder.h"
#include "Pyramid.h"
#include "RowLists.h"
#include "RowMasks.h"
#include "StepLaunch.h"
#include "sparse_attn/Accelerator.h"
#include "sparse_attn/Artifact.h"
#include "sparse_attn/Plan.h"

#include <memory>
#include <vector>

namespace sparse_attn {

/// A captured value as the kernel reads it, and its pyramid where the kernel asks for one.
struct StepCapture {
  Value value;
  std::shared_ptr<const Pyramid> pyramid;
  StepMask mask;                             ///< A copy of the handles; without masks where the value is none.
  std::shared_ptr<const CaptureTable> table; ///< Keeps the value, where that is a table; null elsewhere.
};

class StepPlan {
public:
  /// Checks the shapes of a step's inputs against each other and the kernel. The shape of the output is the query's.
  static Status checkShapes(const KernelInfo &kernel, const Shape &query, const Shape &key, const Shape &value);
  /// Checks the captured values of a step, for so many batches or sequences.
  static Status checkCaptures(const KernelInfo &kernel, const Shape &query, const Shape &key, int64_t batches,
                              const std::vector<Value> &captures);
  /// The masks of captured table `index`, whose shape and data have been checked, for arrays of these shapes, or the
  /// sequences in them. Errors: ShapeMismatch where blocks or lengths disagree, InvalidArgument for a null mask.
  static Result<StepMask> readMasks(const KernelInfo &kernel, size_t index, const Value &table, const Shape &query,
                                    const Shape &key, const std::vector<Sequence> &sequences);

  /// Analyses a step whose shapes have been checked, and which a valid captured array backs. `artifact` outlives the
  /// plan. `accelerator` is null for an artifact for the CPU. `sequences` are those of a kernel for sequences. `kept`
  /// are the rows of an equal step, or null. Throws std::bad_alloc.
  static Result<std::unique_ptr<StepPlan>> analyse(const Artifact &artifact, const KernelInfo &kernel,
                                                   std::shared_ptr<const Accelerator> accelerator,
                                                   const StepArrays &arrays, std::vector<StepCapture> captures,
                                                   std::vector<Sequence> sequences,
                                                   std::shared_ptr<const PreparedRows> kept);
  /// What a launch costs.
  StepChoice choice() const;
  /// Makes what runs the step: on an accelerator, uploads. `choices` are the kernels that this one was chosen among.
  /// Called once, before anything below. Throws std::bad_alloc.
  Status finish(std::vector<StepChoice> choices);

  /// Runs the kernel.
  Status launch(const StepArrays &arrays, const LaunchResources &resources) const;

  StepInfo info() const;
  const std::shared_ptr<const PreparedRows> &preparedRows() const { return rows; }
  int64_t items() const { return grid.items(); }
  int64_t scratchBytes() const { return variant->scratchBytes; }
  Result<TileCounts> itemTiles(int64_t item) const;
  Status visitedTiles(int64_t item, std::vector<uint32_t> &partial, std::vector<uint32_t> &full) const;
  Status predicate(int64_t b, int64_t h, int64_t row, uint8_t *attends) const;
  Status modifyScores(int64_t b, int64_t h, int64_t row, float *scores) const;

private:
  /// Is there such a row of queries?
  Status checkRow(int64_t b, int64_t h, int64_t row) const;
  StepPlan(const KernelInfo &kernel, const Variant &variant, const Artifact &artifact, const StepArrays &arrays,
           std::vector<StepCapture> captures, std::vector<Sequence> sequences);

  Status checkItem(int64_t item) const;
  /// Sets the sizes that follow from the shapes. Errors: ShapeMismatch where they overflow.
  Status measure();
  void writeBlock(const StepArrays &arrays);
  /// Lists and weighs the rows.
  Status prepareRows();
  Status list(RowLists &lists);
  void writeLists(const RowLists &lists);
  Result<std::unique_ptr<const StepLaunch>> makeLaunch();

  const Artifact *artifact;
  const KernelInfo *kernel;
  const Variant *variant;
  WorkEntry workEntry;
  PredicateEntry predicateEntry;
  ScoreEntry scoreEntry; // null without a score region
  TilesEntry tilesEntry; ///< Null where the artifact has none.
  PlanEntry planEntry;   ///< Null where nothing is listed.
  BlockLayout layout;
  Shape query; ///< Of the arrays; but where there are sequences, as many batches, each as long as the longest.
  Shape key;
  std::vector<Sequence> sequences;
  std::vector<int32_t> sequenceTable;
  std::vector<StepCapture> captures;
  std::vector<StepMask> masks; ///< By capture.
  RowGrid grid;
  int64_t keyTiles = 0;
  std::vector<uint64_t> block; ///< As `prepare` saw the arrays.
  std::shared_ptr<const PreparedRows> rows;
  std::shared_ptr<const Accelerator> accelerator; ///< Null on the CPU.
  std::shared_ptr<const DeviceKernel> loaded;     ///< Onto the accelerator.
  std::unique_ptr<const StepLaunch> run;
  std::vector<StepChoice> choices;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_STEPPLAN_H
