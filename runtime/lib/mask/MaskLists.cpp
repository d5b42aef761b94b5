//===- MaskLists.cpp - Masks as lists -------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/MaskLists.h"

#include "FirstFailure.h"
#include "mask/ListEntries.h"
#include "mask/RowSets.h"
#include "mask/Workers.h"

#include <atomic>

namespace sparse_attn {

using namespace mask;

namespace {

constexpr int64_t chunkRows = 256;

/// Reads rows of an active mask and of its partial part.
class RowSplitter {
public:
  RowSplitter(const BlockMask &active, const BlockMask *partial)
      : activeReader(active.store()), partialReader(partial ? partial->store() : active.store()),
        hasPartial(partial != nullptr) {}

  /// Hands row q of `active` less `partial` to one sink, and of `partial` to another.
  template <typename FullSink, typename PartialSink> void split(uint32_t q, FullSink &full, PartialSink &partial) {
    activeReader.start(q);
    if (hasPartial)
      splitPieces(q, full, partial);
    else
      for (RowPiece piece; activeReader.next(piece);)
        full.addPiece(piece);
    full.finish();
    partial.finish();
  }

  /// Whether row q of `partial` is a subset of the one of `active`.
  bool isSubset(uint32_t q) {
    if (!hasPartial)
      return true;
    BlockCounter full, partial;
    split(q, full, partial);
    return full.count() + partial.count() == countRow(activeReader, q);
  }

private:
  template <typename FullSink, typename PartialSink>
  void splitPieces(uint32_t q, FullSink &full, PartialSink &partial) {
    partialReader.start(q);
    forEachPair(activeReader, partialReader,
                [&](uint32_t keyFirst, const RowPiece &activePiece, const RowPiece &partialPiece) {
                  full.startPiece(keyFirst);
                  subtractPieces(activePiece, partialPiece, scratch, full);
                  partial.addPiece(partialPiece);
                });
  }

  RowReader activeReader;
  RowReader partialReader;
  bool hasPartial;
  KeyScratch scratch;
};

Status notSubset(uint32_t q) {
  return makeError(StatusCode::InvalidArgument,
                   "expects the partial blocks to be among the active ones, but got others in row ", q);
}

/// Entries of both lists.
struct EntryCounts {
  uint64_t full = 0;
  uint64_t partial = 0;
};

/// Counts and writes the lists of one kind of entries and offsets.
template <typename Entries, typename Offset> class Exporter {
public:
  Exporter(const BlockMask &active, const BlockMask *partial, int32_t threads)
      : active(active), partial(partial), rows(active.grid().queryBlocks), workers(workersFor(threads)) {}

  /// Errors: InvalidArgument where `partial` is not a subset.
  Result<EntryCounts> count() const {
    std::atomic<uint64_t> full{0}, partialSum{0};
    Status status = forEachRow([&](RowSplitter &splitter, uint32_t q) {
      EntryCounts counts = countRow(splitter, q);
      full += counts.full;
      partialSum += counts.partial;
    });
    if (!status.isOk())
      return status;
    return EntryCounts{full, partialSum};
  }

  Status write(const ListBuffers &buffers) const {
    Lists lists(buffers, partial != nullptr);
    return workers == 1 ? writeAlone(lists) : writeShared(lists);
  }

private:
  using Word = typename Entries::Word;
  using Counter = typename Entries::Counter;
  using Writer = typename Entries::Writer;

  /// The buffers, with their types.
  struct Lists {
    Lists(const ListBuffers &buffers, bool hasPartial)
        : fullOffsets(static_cast<Offset *>(buffers.fullOffsets)),
          partialOffsets(hasPartial ? static_cast<Offset *>(buffers.partialOffsets) : nullptr),
          full(static_cast<Word *>(buffers.full)), partial(static_cast<Word *>(buffers.partial)) {}

    void setOffsets(size_t index, EntryCounts entries) {
      fullOffsets[index] = static_cast<Offset>(entries.full);
      if (partialOffsets)
        partialOffsets[index] = static_cast<Offset>(entries.partial);
    }
    EntryCounts offsets(size_t index) const {
      return {static_cast<uint64_t>(fullOffsets[index]),
              partialOffsets ? static_cast<uint64_t>(partialOffsets[index]) : 0};
    }

    Offset *fullOffsets;
    Offset *partialOffsets; ///< Null without a partial mask.
    Word *full;
    Word *partial;
  };

  /// Calls body(RowSplitter &, q) for every row, after a check that `partial` is a subset there.
  template <typename Body> Status forEachRow(const Body &body) const {
    FirstFailure failure;
    parallelChunks(rows, chunkRows, workers, [&](int32_t, int64_t begin, int64_t end) {
      RowSplitter splitter(active, partial);
      for (int64_t row = begin; row < end && failure.none(); ++row) {
        uint32_t q = static_cast<uint32_t>(row);
        if (!splitter.isSubset(q))
          failure.record(notSubset(q));
        else
          body(splitter, q);
      }
    });
    return failure.status();
  }

  static EntryCounts countRow(RowSplitter &splitter, uint32_t q) {
    Counter full, partial;
    splitter.split(q, full, partial);
    return {full.count(), partial.count()};
  }

  /// Writes row q, whose entries go to `at`. Returns where those of the next row go.
  static EntryCounts writeRow(RowSplitter &splitter, uint32_t q, EntryCounts at, const Lists &lists) {
    Writer full(lists.full + at.full * Entries::words), partial(lists.partial + at.partial * Entries::words);
    splitter.split(q, full, partial);
    return {static_cast<uint64_t>(full.end() - lists.full) / Entries::words,
            static_cast<uint64_t>(partial.end() - lists.partial) / Entries::words};
  }

  /// One thread knows where a row goes once the row before is written. A row is checked first: otherwise it could have
  /// more entries than there is room for.
  Status writeAlone(Lists lists) const {
    EntryCounts at;
    RowSplitter splitter(active, partial);
    lists.setOffsets(0, at);
    for (uint32_t q = 0; q < rows; ++q) {
      if (!splitter.isSubset(q))
        return notSubset(q);
      at = writeRow(splitter, q, at, lists);
      lists.setOffsets(q + size_t(1), at);
    }
    return {};
  }

  /// Several threads count all rows first; the offsets hold the counts meanwhile.
  Status writeShared(Lists lists) const {
    Status status =
        forEachRow([&](RowSplitter &splitter, uint32_t q) { lists.setOffsets(q + size_t(1), countRow(splitter, q)); });
    if (!status.isOk())
      return status;
    lists.setOffsets(0, {});
    for (size_t q = 1; q <= rows; ++q) {
      EntryCounts before = lists.offsets(q - 1), counts = lists.offsets(q);
      lists.setOffsets(q, {before.full + counts.full, before.partial + counts.partial});
    }
    parallelChunks(rows, chunkRows, workers, [&](int32_t, int64_t begin, int64_t end) {
      RowSplitter splitter(active, partial);
      for (int64_t row = begin; row < end; ++row)
        writeRow(splitter, static_cast<uint32_t>(row), lists.offsets(static_cast<size_t>(row)), lists);
    });
    return {};
  }

  const BlockMask &active;
  const BlockMask *partial;
  uint32_t rows;
  int32_t workers;
};

/// Calls use(Exporter) with the types that `options` ask for.
template <typename Use>
auto withExporter(const BlockMask &active, const BlockMask *partial, const ListOptions &options, const Use &use) {
  auto withOffsets = [&](auto entries) {
    using Entries = decltype(entries);
    if (options.offset == ListOffset::Bits32)
      return use(Exporter<Entries, uint32_t>(active, partial, options.threads));
    return use(Exporter<Entries, int64_t>(active, partial, options.threads));
  };
  switch (options.entry) {
  case ListEntry::Block16:
    return withOffsets(BlockEntries<uint16_t>());
  case ListEntry::Block32:
    return withOffsets(BlockEntries<uint32_t>());
  default:
    return withOffsets(IntervalEntries());
  }
}

Status checkMasks(const BlockMask &active, const BlockMask *partial, const ListOptions &options) {
  if (partial && partial->grid() != active.grid())
    return makeError(StatusCode::ShapeMismatch, "expects a partial mask of ", active.grid(), ", but got one of ",
                     partial->grid());
  if (options.entry == ListEntry::Block16 && active.grid().keyBlocks > slabBlocks)
    return makeError(StatusCode::Unsupported, "expects at most ", slabBlocks,
                     " key blocks for entries of 16 bits, but got ", active.grid().keyBlocks);
  return {};
}

/// The numbers of entries, as far as a subset is taken for granted.
Result<EntryCounts> countEntries(const BlockMask &active, const BlockMask *partial, const ListOptions &options) {
  if (options.entry == ListEntry::Interval)
    return withExporter(active, partial, options, [](const auto &exporter) { return exporter.count(); });
  uint64_t partialCount = partial ? partial->count() : 0;
  if (partialCount > active.count())
    return makeError(StatusCode::InvalidArgument, "expects the partial blocks to be among the ", active.count(),
                     " active ones, but got ", partialCount);
  return EntryCounts{active.count() - partialCount, partialCount};
}

size_t entryBytes(ListEntry entry) {
  return entry == ListEntry::Block16   ? sizeof(uint16_t)
         : entry == ListEntry::Block32 ? sizeof(uint32_t)
                                       : 2 * sizeof(uint32_t);
}

} // namespace

Result<ListSizes> listSizes(const BlockMask &active, const BlockMask *partial, const ListOptions &options) {
  if (Status status = checkMasks(active, partial, options); !status.isOk())
    return status;
  Result<EntryCounts> entries = countEntries(active, partial, options);
  if (!entries.isOk())
    return entries.status();
  uint64_t most = std::max(entries->full, entries->partial);
  if (options.offset == ListOffset::Bits32 && most > UINT32_MAX)
    return makeError(StatusCode::Unsupported, "expects less than 2^32 entries for offsets of 32 bits, but got ", most);
  ListSizes sizes;
  sizes.offsets = active.grid().queryBlocks + uint64_t(1);
  sizes.full = entries->full;
  sizes.partial = entries->partial;
  sizes.offsetBytes = sizes.offsets * (options.offset == ListOffset::Bits32 ? sizeof(uint32_t) : sizeof(int64_t));
  sizes.fullBytes = sizes.full * entryBytes(options.entry);
  sizes.partialBytes = sizes.partial * entryBytes(options.entry);
  return sizes;
}

Status exportLists(const BlockMask &active, const BlockMask *partial, const ListOptions &options,
                   const ListBuffers &buffers) {
  Result<ListSizes> sizes = listSizes(active, partial, options);
  if (!sizes.isOk())
    return sizes.status();
  auto isMissing = [](const void *buffer, size_t bytes) { return bytes != 0 && !buffer; };
  if (!buffers.fullOffsets || isMissing(buffers.full, sizes->fullBytes) || (partial && !buffers.partialOffsets) ||
      isMissing(buffers.partial, sizes->partialBytes))
    return makeError(StatusCode::InvalidArgument, "expects buffers for ", sizes->full, " full and ", sizes->partial,
                     " partial entries and their offsets, but got null");
  return withExporter(active, partial, options, [&](const auto &exporter) { return exporter.write(buffers); });
}

} // namespace sparse_attn
