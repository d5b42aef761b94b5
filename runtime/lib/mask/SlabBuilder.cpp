//===- SlabBuilder.cpp - From rows to slabs -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads take a few hundred rows at a time and write what is in them one
// behind another. When all are done, the sizes are known, and the parts are
// copied to where they belong.
//
//===----------------------------------------------------------------------===//

#include "mask/SlabBuilder.h"

#include "mask/RowIndexWriter.h"
#include "mask/RowSets.h"
#include "mask/Workers.h"

#include <algorithm>

namespace sparse_attn::mask {

namespace {

/// Rows that a thread takes at a time; divides `slabBlocks`.
constexpr uint32_t chunkRows = 256;

/// A part of a slab: some rows, one behind another.
struct SlabPart {
  struct Row {
    uint16_t number; ///< In the slab.
    uint32_t keysEnd, runsEnd;
  };

  uint32_t keyFirst = 0;
  std::vector<Row> rows; ///< Those that are not empty.
  std::vector<uint16_t> keys;
  std::vector<KeyRun> runs;

  uint32_t keysBefore(size_t row) const { return row == 0 ? 0 : rows[row - 1].keysEnd; }
  uint32_t runsBefore(size_t row) const { return row == 0 ? 0 : rows[row - 1].runsEnd; }
};

/// A sink that writes a row to a part, with consecutive keys as runs.
class RowWriter {
public:
  explicit RowWriter(SlabPart &part) : part(part) {}

  void addRange(BlockRange range) {
    if (range.first != open.past)
      flush();
    if (open.isEmpty())
      open.first = range.first;
    open.past = range.past;
  }

  void addKeys(const uint16_t *keys, size_t count) {
    if (!kernels().hasRun(keys, count, shortestRun))
      return addApart(keys, count);
    const uint16_t *end = keys + count;
    while (keys != end) {
      const uint16_t *run = keys;
      while (run != end && !startsRun(run, end))
        ++run;
      addApart(keys, static_cast<size_t>(run - keys));
      keys = run;
      if (run == end)
        return;
      while (keys + 1 != end && keys[1] == keys[0] + 1)
        ++keys;
      addRange({*run, *keys++ + uint32_t(1)});
    }
  }

  /// Ends row `number`.
  void finish(uint16_t number) {
    flush();
    uint32_t keysEnd = static_cast<uint32_t>(part.keys.size()), runsEnd = static_cast<uint32_t>(part.runs.size());
    if (keysEnd != part.keysBefore(part.rows.size()) || runsEnd != part.runsBefore(part.rows.size()))
      part.rows.push_back({number, keysEnd, runsEnd});
  }

private:
  static bool startsRun(const uint16_t *key, const uint16_t *end) {
    return end - key >= shortestRun && key[shortestRun - 1] - *key == shortestRun - 1;
  }

  /// Adds keys without a run among them. Those at both ends may be part of one that goes on outside of the list.
  void addApart(const uint16_t *keys, size_t count) {
    for (; count != 0 && *keys == open.past && !open.isEmpty(); ++keys, --count)
      ++open.past;
    if (count == 0)
      return;
    flush();
    size_t atEnd = 1;
    while (atEnd < count && keys[count - atEnd] == keys[count - atEnd - 1] + 1)
      ++atEnd;
    part.keys.insert(part.keys.end(), keys, keys + count - atEnd);
    open = {keys[count - atEnd], keys[count - 1] + uint32_t(1)};
  }

  void flush() {
    if (open.size() >= shortestRun)
      part.runs.push_back({static_cast<uint16_t>(open.first), static_cast<uint16_t>(open.past - 1)});
    else
      for (uint32_t key = open.first; key < open.past; ++key)
        part.keys.push_back(static_cast<uint16_t>(key));
    open = {};
  }

  SlabPart &part;
  BlockRange open; ///< The last keys, as long as they may go on.
};

/// Collects a chunk of rows, less the terms.
class PartSink final : public RowSink {
public:
  PartSink(const MaskStore &termsOnly, std::vector<SlabPart> &parts) : terms(termsOnly), parts(parts) {}

  void start(uint32_t q) {
    row = static_cast<uint16_t>(q % slabBlocks);
    terms.start(q);
    termPiece = {};
    moreTerms = terms.next(termPiece);
  }

  void add(const RowPiece &piece) override {
    if (piece.isEmpty())
      return;
    while (moreTerms && termPiece.keyFirst < piece.keyFirst)
      moreTerms = terms.next(termPiece);
    SlabPart &part = partOf(piece.keyFirst);
    RowWriter writer(part);
    bool overlaps = moreTerms && termPiece.keyFirst == piece.keyFirst;
    subtractPieces(piece, overlaps ? termPiece : RowPiece(), scratch, writer);
    writer.finish(row);
  }

private:
  SlabPart &partOf(uint32_t keyFirst) {
    auto at = std::partition_point(parts.begin(), parts.end(),
                                   [&](const SlabPart &part) { return part.keyFirst < keyFirst; });
    if (at == parts.end() || at->keyFirst != keyFirst)
      (at = parts.emplace(at))->keyFirst = keyFirst;
    return *at;
  }

  RowReader terms;
  RowPiece termPiece;
  bool moreTerms = false;
  std::vector<SlabPart> &parts; ///< In ascending order of keyFirst.
  KeyScratch scratch;
  uint16_t row = 0;
};

/// Puts the parts of one slab together, given in ascending order of their rows.
class SlabAssembler {
public:
  SlabAssembler(uint32_t queryFirst, uint32_t rows, const std::vector<const SlabPart *> &parts) : parts(parts) {
    slab.queryFirst = queryFirst;
    slab.keyFirst = parts.front()->keyFirst;
    size_t withKeys = 0, withRuns = 0, keys = 0, runs = 0;
    forEachRow([&](uint16_t, uint32_t rowKeys, uint32_t rowRuns) {
      withKeys += rowKeys != 0;
      withRuns += rowRuns != 0;
    });
    for (const SlabPart *part : parts) {
      keysAt.push_back(keys);
      runsAt.push_back(runs);
      keys += part->keys.size();
      runs += part->runs.size();
    }
    slab.keys = Array<uint16_t>(keys);
    slab.runs = Array<KeyRun>(runs);
    RowIndexWriter keyRows(rows, withKeys), runRows(rows, withRuns);
    forEachRow([&](uint16_t row, uint32_t rowKeys, uint32_t rowRuns) {
      keyRows.add(row, rowKeys);
      runRows.add(row, rowRuns);
    });
    slab.keyRows = keyRows.finish();
    slab.runRows = runRows.finish();
  }

  Slab assemble(int32_t threads) {
    parallelChunks(static_cast<int64_t>(parts.size()), 1, workersFor(threads), [&](int32_t, int64_t begin, int64_t) {
      const SlabPart &part = *parts[begin];
      std::copy(part.keys.begin(), part.keys.end(), slab.keys.data() + keysAt[begin]);
      std::copy(part.runs.begin(), part.runs.end(), slab.runs.data() + runsAt[begin]);
    });
    return std::move(slab);
  }

private:
  template <typename Visitor> void forEachRow(const Visitor &visitor) const {
    for (const SlabPart *part : parts)
      for (size_t i = 0; i < part->rows.size(); ++i)
        visitor(part->rows[i].number, part->rows[i].keysEnd - part->keysBefore(i),
                part->rows[i].runsEnd - part->runsBefore(i));
  }

  const std::vector<const SlabPart *> &parts;
  std::vector<size_t> keysAt, runsAt; ///< Where each part goes.
  Slab slab;
};

/// Appends the slabs that lie at query block `queryFirst`, from the parts of its chunks.
void assembleSlabs(const BlockGrid &grid, uint32_t queryFirst, const std::vector<std::vector<SlabPart>> &chunks,
                   int32_t threads, std::vector<Slab> &slabs) {
  std::vector<const SlabPart *> parts;
  for (const std::vector<SlabPart> &chunk : chunks)
    for (const SlabPart &part : chunk)
      if (!part.rows.empty())
        parts.push_back(&part);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const SlabPart *a, const SlabPart *b) { return a->keyFirst < b->keyFirst; });
  uint32_t rows = std::min(slabBlocks, grid.queryBlocks - queryFirst);
  for (auto first = parts.begin(); first != parts.end();) {
    auto past = std::find_if(first, parts.end(), [&](const SlabPart *p) { return p->keyFirst != (*first)->keyFirst; });
    slabs.push_back(SlabAssembler(queryFirst, rows, {first, past}).assemble(threads));
    first = past;
  }
}

} // namespace

std::vector<Slab> buildSlabs(const MaskStore &termsOnly, const RowSource &source, int32_t threads) {
  const BlockGrid &grid = termsOnly.grid;
  std::vector<Slab> slabs;
  std::unique_ptr<RowProducer> first = source();
  for (uint32_t queryFirst = 0; queryFirst < grid.queryBlocks; queryFirst += slabBlocks) {
    uint32_t rows = std::min(slabBlocks, grid.queryBlocks - queryFirst);
    if (!first->hasRows(queryFirst, queryFirst + rows))
      continue;
    std::vector<std::vector<SlabPart>> chunks((rows + chunkRows - 1) / chunkRows);
    shareRows(rows, chunkRows, threads, source, [&](RowProducer &producer, uint32_t begin, uint32_t end) {
      PartSink sink(termsOnly, chunks[begin / chunkRows]);
      for (uint32_t row = begin; row < end; ++row) {
        sink.start(queryFirst + row);
        producer.produce(queryFirst + row, sink);
      }
    });
    assembleSlabs(grid, queryFirst, chunks, threads, slabs);
  }
  slabs.shrink_to_fit();
  return slabs;
}

uint64_t countPairs(const std::vector<Slab> &slabs) {
  uint64_t pairs = 0;
  for (const Slab &slab : slabs) {
    pairs += slab.keys.size();
    for (const KeyRun &run : slab.runs)
      pairs += run.last - run.first + uint64_t(1);
  }
  return pairs;
}

} // namespace sparse_attn::mask
