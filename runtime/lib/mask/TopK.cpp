//===- TopK.cpp - The blocks worth reading, by score ----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/TopK.h"

#include "ArrayCheck.h"
#include "FirstFailure.h"
#include "Threads.h"
#include "mask/TopKRow.h"
#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <string>

namespace sparse_attn {

namespace {

/// Rows that a thread takes at a time.
constexpr int64_t chunkRows = 4;

/// More are a mistake, and their sizes might overflow.
constexpr int64_t maxMasks = 1 << 24;

Status checkScores(const Value &scores, const SequenceBlocks &blocks) {
  static const std::string name = "scores";
  ValueName what = {"argument", 0, &name};
  if (Status status = blocks.check(); !status.isOk())
    return status;
  ArrayType type = {DType::F32, {4, {dynamicSize, dynamicSize, blocks.queryBlocks(), blocks.keyBlocks()}}};
  if (Status status = checkArray(what, scores, type, Access::Read); !status.isOk())
    return status;
  return checkData(what, scores);
}

Status checkOptions(const TopKOptions &options, int64_t heads) {
  auto atLeast = [](int64_t least, const char *what, int64_t number) {
    return number >= least
               ? Status()
               : makeError(StatusCode::InvalidArgument, "expects ", what, " of at least ", least, ", but got ", number);
  };
  if (!options.count && !options.mass)
    return makeError(StatusCode::InvalidArgument, "expects a count or a mass, but got neither");
  for (Status status :
       {atLeast(0, "a count", options.count.value_or(0)), atLeast(0, "keepSinks", options.keepSinks),
        atLeast(0, "keepDiagonal", options.keepDiagonal), atLeast(1, "headsPerMask", options.headsPerMask)})
    if (!status.isOk())
      return status;
  if (options.mass && !(*options.mass > 0.0 && *options.mass <= 1.0))
    return makeError(StatusCode::InvalidArgument, "expects a mass above 0 and at most 1, but got ", *options.mass);
  if (heads % options.headsPerMask != 0)
    return makeError(StatusCode::InvalidArgument, "expects headsPerMask to divide the number of heads, ", heads,
                     ", but got ", options.headsPerMask);
  return {};
}

Status checkMaskCount(const TopKMasks &masks) {
  int64_t count;
  if (__builtin_mul_overflow(masks.batches, masks.masksPerBatch, &count) || count > maxMasks)
    return makeError(StatusCode::ShapeMismatch, "expects at most ", maxMasks, " masks, but got ", masks.batches,
                     " batches of ", masks.masksPerBatch);
  return {};
}

class Selector {
public:
  Selector(const Value &scores, const SequenceBlocks &blocks, const TopKOptions &options)
      : scores(scores), blocks(blocks), options(options) {
    result.batches = options.batchesShare ? std::min<int64_t>(scores.size[0], 1) : scores.size[0];
    result.masksPerBatch = scores.size[1] / options.headsPerMask;
    result.headsPerMask = options.headsPerMask;
  }

  Result<TopKMasks> run() {
    if (Status status = checkMaskCount(result); !status.isOk())
      return status;
    result.masks.resize(static_cast<size_t>(result.batches * result.masksPerBatch));
    selectRows();
    if (failure.none())
      freezeMasks();
    if (!failure.none())
      return failure.status();
    return std::move(result);
  }

private:
  int64_t maskCount() const { return static_cast<int64_t>(result.masks.size()); }

  void selectRows() {
    rows.resize(static_cast<size_t>(maskCount() * blocks.queryBlocks()));
    std::vector<mask::TopKRow> workers(static_cast<size_t>(threadCount()), mask::TopKRow(options));
    parallelChunks(static_cast<int64_t>(rows.size()), chunkRows, static_cast<int32_t>(workers.size()),
                   [&](int32_t worker, int64_t begin, int64_t end) {
                     for (int64_t index = begin; index < end && failure.none(); ++index)
                       selectRow(workers[static_cast<size_t>(worker)], index / blocks.queryBlocks(),
                                 index % blocks.queryBlocks(), rows[static_cast<size_t>(index)]);
                   });
  }

  /// Selects row q of a mask.
  void selectRow(mask::TopKRow &row, int64_t mask, int64_t q, std::vector<uint32_t> &kept) {
    int64_t visible = blocks.visibleKeyBlocks(q);
    int64_t batch = mask / result.masksPerBatch, head = mask % result.masksPerBatch * options.headsPerMask;
    row.start(options.causal ? visible : blocks.keyBlocks());
    for (int64_t b = batch; b < (options.batchesShare ? scores.size[0] : batch + 1); ++b)
      for (int64_t h = head; h < head + options.headsPerMask; ++h)
        if (!addScores(row, b, h, q))
          return;
    row.select(std::max<int64_t>(visible - options.keepDiagonal, 0), visible, kept);
  }

  bool addScores(mask::TopKRow &row, int64_t b, int64_t h, int64_t q) {
    const float *first =
        static_cast<const float *>(scores.data) + b * scores.stride[0] + h * scores.stride[1] + q * scores.stride[2];
    int64_t bad = row.add(first);
    if (bad < 0)
      return true;
    failure.record(makeError(StatusCode::InvalidArgument, "expects scores below inf, but got ", first[bad],
                             " for batch ", b, ", head ", h, ", query block ", q, ", key block ", bad));
    return false;
  }

  void freezeMasks() {
    FreezeOptions freeze = options.freeze;
    // One mask is frozen by all threads, several by one thread each.
    if (maskCount() > 1)
      freeze.threads = 1;
    parallelChunks(maskCount(), 1, threadCount(), [&](int32_t, int64_t begin, int64_t) {
      if (Status status = freezeMask(begin, freeze); !status.isOk())
        failure.record(std::move(status));
    });
  }

  Status freezeMask(int64_t mask, const FreezeOptions &freeze) {
    BlockMaskBuilder builder(blocks.grid());
    for (int64_t q = 0; q < blocks.queryBlocks(); ++q) {
      std::vector<uint32_t> &kept = rows[static_cast<size_t>(mask * blocks.queryBlocks() + q)];
      if (Status status = builder.addAttention(static_cast<uint32_t>(q), kept); !status.isOk())
        return status;
      kept = {};
    }
    Result<BlockMask> frozen = builder.freeze(freeze);
    if (!frozen.isOk())
      return frozen.status();
    result.masks[static_cast<size_t>(mask)] = std::move(*frozen);
    return {};
  }

  const Value &scores;
  const SequenceBlocks &blocks;
  const TopKOptions &options;
  TopKMasks result;
  std::vector<std::vector<uint32_t>> rows; ///< What each row of each mask keeps.
  FirstFailure failure;
};

} // namespace

Result<TopKMasks> selectTopK(const Value &scores, const SequenceBlocks &blocks, const TopKOptions &options) {
  if (Status status = checkScores(scores, blocks); !status.isOk())
    return status;
  if (Status status = checkOptions(options, scores.size[1]); !status.isOk())
    return status;
  return Selector(scores, blocks, options).run();
}

} // namespace sparse_attn
