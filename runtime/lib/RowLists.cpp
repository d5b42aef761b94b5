//===- RowLists.cpp - Key tiles of each row, listed -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowLists.h"

#include "FirstFailure.h"
#include "Threads.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

namespace sparse_attn {

namespace {

/// Rows that a thread takes at a time; their intervals are one piece of the lists. Few, as a row may take long.
constexpr int64_t chunkRows = 8;

/// Room for the lists of one row, left uninitialised: most of it is never touched.
struct RowBuffer {
  std::unique_ptr<uint32_t[]> partial;
  std::unique_ptr<uint32_t[]> full;
  std::unique_ptr<RowMasks> masks;

  void reserve(int64_t keyTiles) {
    if (partial && full)
      return;
    size_t words = 2 * static_cast<size_t>(std::max<int64_t>(keyTiles, 1));
    partial.reset(new uint32_t[words]);
    full.reset(new uint32_t[words]);
  }
};

/// Intervals of the rows of one chunk.
struct Piece {
  std::vector<uint32_t> partial;
  std::vector<uint32_t> full;
  std::vector<uint32_t> partialWords;
};

/// Checks that intervals ascend, do not touch tiles twice and end at `keyTiles`: the kernel trusts them.
bool areValid(const uint32_t *intervals, int64_t count, int64_t keyTiles) {
  int64_t end = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t first = intervals[2 * i];
    int64_t tiles = intervals[2 * i + 1];
    if (first < end || tiles > keyTiles - first)
      return false;
    end = first + tiles;
  }
  return true;
}

/// Turns numbers of intervals, at offsets[row + 1], into offsets.
void sumUp(std::vector<int64_t> &offsets) {
  for (size_t i = 1; i < offsets.size(); ++i)
    offsets[i] += offsets[i - 1];
}

class Lister {
public:
  Lister(const RowSource &source, const RowGrid &grid, int64_t keyTiles)
      : source(source), grid(grid), keyTiles(keyTiles), workers(threadCount()), buffers(static_cast<size_t>(workers)),
        pieces(static_cast<size_t>((grid.rows() + chunkRows - 1) / chunkRows)) {
    lists.partialOffsets.resize(static_cast<size_t>(grid.rows()) + 1);
    lists.fullOffsets.resize(static_cast<size_t>(grid.rows()) + 1);
    hasMasks = std::any_of(source.masks->begin(), source.masks->end(), [](const StepMask &m) { return m.isMask(); });
    if (hasMasks)
      lists.partialEntries.resize(static_cast<size_t>(grid.rows()) + 1);
  }

  Result<RowLists> run() {
    parallelChunks(grid.rows(), chunkRows, workers, [&](int32_t worker, int64_t begin, int64_t end) {
      RowBuffer &buffer = buffers[static_cast<size_t>(worker)];
      Piece &piece = pieces[static_cast<size_t>(begin / chunkRows)];
      buffer.reserve(keyTiles);
      if (!buffer.masks)
        buffer.masks = std::make_unique<RowMasks>(*source.masks, *source.layout, *source.block);
      for (int64_t row = begin; row < end && failure.none(); ++row)
        if (Status status = listRow(row, buffer, piece); !status.isOk())
          failure.record(std::move(status));
    });
    if (!failure.none())
      return failure.status();
    buffers.clear();
    sumUp(lists.partialOffsets);
    sumUp(lists.fullOffsets);
    sumUp(lists.partialEntries);
    lists.partial = join(&Piece::partial);
    lists.full = join(&Piece::full);
    lists.partialWords = join(&Piece::partialWords);
    lists.budgetExceeded = budgetExceeded;
    return std::move(lists);
  }

private:
  Status listRow(int64_t row, RowBuffer &buffer, Piece &piece) {
    int64_t item = grid.item(0, row);
    if (!grid.exists(item))
      return {};
    int64_t t = grid.tileOf(item);
    int64_t h = item / grid.tiles % grid.heads;
    int64_t b = grid.batchOf(item);
    int64_t queries =
        source.sequences->empty() ? source.queryLength : (*source.sequences)[static_cast<size_t>(b)].queries;
    int64_t counts[3] = {0, 0, 0};
    int64_t first = t * source.tileQ;
    buffer.masks->select(b, h, first, std::min(first + source.tileQ, queries));
    if (int32_t code = source.plan(buffer.masks->block(), b, h, t, buffer.partial.get(), buffer.full.get(), counts);
        code != 0)
      return makeError(StatusCode::DeviceError, "expects the kernel to list key tiles, but got error ", code);
    auto fits = [this](int64_t count) { return count >= 0 && count <= keyTiles; };
    if (!fits(counts[0]) || !fits(counts[1]))
      return makeError(StatusCode::DeviceError, "expects the kernel to list at most ", keyTiles, " intervals, but got ",
                       counts[0], " partial and ", counts[1], " full ones");
    if (!areValid(buffer.partial.get(), counts[0], keyTiles) || !areValid(buffer.full.get(), counts[1], keyTiles))
      return makeError(StatusCode::DeviceError, "expects the kernel to list ascending intervals below ", keyTiles,
                       ", but got others for query tile ", t);
    piece.partial.insert(piece.partial.end(), buffer.partial.get(), buffer.partial.get() + 2 * counts[0]);
    piece.full.insert(piece.full.end(), buffer.full.get(), buffer.full.get() + 2 * counts[1]);
    lists.partialOffsets[static_cast<size_t>(row) + 1] = counts[0];
    lists.fullOffsets[static_cast<size_t>(row) + 1] = counts[1];
    if (hasMasks)
      lists.partialEntries[static_cast<size_t>(row) + 1] = addWords(buffer, counts[0], piece);
    if (counts[2] != 0)
      budgetExceeded.store(true, std::memory_order_relaxed);
    return {};
  }

  /// Adds the words of the row's partial tiles; returns how many tiles there are.
  int64_t addWords(const RowBuffer &buffer, int64_t intervals, Piece &piece) const {
    int64_t entries = 0;
    for (int64_t i = 0; i < intervals; ++i) {
      int64_t first = buffer.partial[static_cast<size_t>(2 * i)],
              tiles = buffer.partial[static_cast<size_t>(2 * i + 1)];
      for (int64_t tile = first; tile < first + tiles; ++tile)
        buffer.masks->appendTileWords(tile, source.tileQ, source.tileK, piece.partialWords);
      entries += tiles;
    }
    return entries;
  }

  /// Puts the pieces one behind another, and frees them.
  std::vector<uint32_t> join(std::vector<uint32_t> Piece::*list) {
    size_t words = 0;
    for (const Piece &piece : pieces)
      words += (piece.*list).size();
    std::vector<uint32_t> joined;
    joined.reserve(words);
    for (Piece &piece : pieces) {
      joined.insert(joined.end(), (piece.*list).begin(), (piece.*list).end());
      std::vector<uint32_t>().swap(piece.*list);
    }
    return joined;
  }

  const RowSource &source;
  const RowGrid &grid;
  int64_t keyTiles;
  int32_t workers;
  std::vector<RowBuffer> buffers; ///< By worker.
  std::vector<Piece> pieces;      ///< By chunk.
  RowLists lists;
  bool hasMasks;
  std::atomic<bool> budgetExceeded{false};
  FirstFailure failure;
};

} // namespace

Result<RowLists> listRows(const RowSource &source, const RowGrid &grid, int64_t keyTiles) {
  return Lister(source, grid, keyTiles).run();
}

} // namespace sparse_attn
