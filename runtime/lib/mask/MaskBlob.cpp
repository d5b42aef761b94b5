//===- MaskBlob.cpp - Masks in one piece for upload -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/FreezeRows.h"
#include "mask/Workers.h"
#include "sparse_attn/MaskLists.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sparse_attn {

using namespace mask;

namespace {

constexpr uint64_t alignment = 16;
constexpr int64_t chunkRows = 1024;

/// What is stored of a mask, and where it goes.
struct BlobPart {
  SharedStore store; ///< As TermsAndRows.
  uint64_t ranges = 0, blocks = 0;
  BlobMask place = {};
};

/// Places arrays one behind another.
class Layout {
public:
  uint64_t add(uint64_t bytes) { return std::exchange(end, end + (bytes + alignment - 1) / alignment * alignment); }
  uint64_t size() const { return end; }

private:
  uint64_t end = sizeof(BlobHeader);
};

uint32_t blockBytes(const BlockGrid &grid) { return grid.keyBlocks <= slabBlocks ? 2 : 4; }

/// Places the arrays of `part`.
void place(BlobPart &part, uint32_t blockBytes, Layout &layout) {
  uint64_t offsetBytes = (part.store->grid.queryBlocks + uint64_t(1)) * sizeof(uint32_t);
  uint64_t terms = part.store->terms.terms().size();
  part.place.termCount = static_cast<uint32_t>(terms);
  part.place.rangeCount = static_cast<uint32_t>(part.ranges);
  part.place.blockCount = static_cast<uint32_t>(part.blocks);
  part.place.termsOffset = layout.add(terms * sizeof(BlobTerm));
  part.place.rangeRowsOffset = layout.add(part.ranges == 0 ? 0 : offsetBytes);
  part.place.rangesOffset = layout.add(part.ranges * 2 * blockBytes);
  part.place.blockRowsOffset = layout.add(part.blocks == 0 ? 0 : offsetBytes);
  part.place.blocksOffset = layout.add(part.blocks * blockBytes);
}

Result<BlobPart> makePart(const BlockMask &mask, int32_t threads) {
  BlobPart part;
  part.store = asTermsAndRows(mask.sharedStore(), threads);
  for (const Slab &slab : part.store->slabs) {
    part.ranges += slab.runs.size();
    part.blocks += slab.keys.size();
  }
  uint64_t most = std::max(part.ranges, part.blocks);
  if (most > UINT32_MAX)
    return makeError(StatusCode::Unsupported, "expects a blob to store less than 2^32 ranges or blocks, but got ",
                     most);
  return part;
}

/// A blob whose every array has its place.
struct Blob {
  BlobHeader header = {};
  BlobPart active, partial;
};

Result<Blob> layOut(const BlockMask &active, const BlockMask *partial, int32_t threads) {
  if (partial && partial->grid() != active.grid())
    return makeError(StatusCode::ShapeMismatch, "expects a partial mask of ", active.grid(), ", but got one of ",
                     partial->grid());
  Result<BlobPart> activePart = makePart(active, threads);
  Result<BlobPart> partialPart = makePart(partial ? *partial : BlockMask(), threads);
  if (!activePart.isOk() || !partialPart.isOk())
    return activePart.isOk() ? partialPart.status() : activePart.status();
  Blob blob = {{}, std::move(*activePart), std::move(*partialPart)};
  const BlockGrid &grid = active.grid();
  Layout layout;
  place(blob.active, blockBytes(grid), layout);
  place(blob.partial, blockBytes(grid), layout);
  blob.header = {BlobHeader::currentVersion, blockBytes(grid),  grid.queryBlocks, grid.keyBlocks,
                 grid.queryBlockSize,        grid.keyBlockSize, layout.size(),    blob.active.place,
                 blob.partial.place};
  return blob;
}

/// Writes one part of a blob, with key blocks of type Block.
template <typename Block> class PartWriter {
public:
  PartWriter(const BlobPart &part, char *blob, int32_t threads)
      : part(part), store(*part.store), blob(blob), workers(workersFor(threads)) {}

  void write() {
    writeTerms();
    if (part.ranges != 0)
      writeRows(part.place.rangeRowsOffset, part.place.rangesOffset, &Slab::runRows,
                [](const Slab &slab, uint32_t i, Block *&out) {
                  *out++ = static_cast<Block>(slab.keyFirst + slab.runs[i].first);
                  *out++ = static_cast<Block>(slab.keyFirst + slab.runs[i].last);
                });
    if (part.blocks != 0)
      writeRows(
          part.place.blockRowsOffset, part.place.blocksOffset, &Slab::keyRows,
          [](const Slab &slab, uint32_t i, Block *&out) { *out++ = static_cast<Block>(slab.keyFirst + slab.keys[i]); });
  }

private:
  void writeTerms() {
    char *out = blob + part.place.termsOffset;
    for (const BandTerm &term : store.terms.terms()) {
      BlobTerm written = {term.queryFirst, term.queryPast, term.keyFirst,
                          term.keyPast,    term.lowest,    term.highest,
                          term.step,       term.phase,     {}};
      std::memcpy(out, &written, sizeof(written));
      out += sizeof(written);
    }
  }

  /// Writes row offsets, then the elements of every row: `writeElement` writes `words` words.
  template <typename WriteElement>
  void writeRows(uint64_t offsetsAt, uint64_t elementsAt, RowIndex Slab::*index, const WriteElement &writeElement) {
    uint32_t *offsets = reinterpret_cast<uint32_t *>(blob + offsetsAt);
    Block *elements = reinterpret_cast<Block *>(blob + elementsAt);
    uint32_t rows = store.grid.queryBlocks, sum = 0;
    for (uint32_t q = 0; q < rows; ++q) {
      offsets[q] = sum;
      forEachSlab(q, [&](const Slab &slab) { sum += (slab.*index).find(q - slab.queryFirst).size(); });
    }
    offsets[rows] = sum;
    size_t words = index == &Slab::runRows ? 2 : 1;
    parallelChunks(rows, chunkRows, workers, [&](int32_t, int64_t begin, int64_t end) {
      for (uint32_t q = static_cast<uint32_t>(begin); q < static_cast<uint32_t>(end); ++q) {
        Block *out = elements + offsets[q] * words;
        forEachSlab(q, [&](const Slab &slab) {
          BlockRange at = (slab.*index).find(q - slab.queryFirst);
          for (uint32_t i = at.first; i < at.past; ++i)
            writeElement(slab, i, out);
        });
      }
    });
  }

  template <typename Visitor> void forEachSlab(uint32_t q, const Visitor &visitor) const {
    BlockRange slabs = store.slabsOf(q);
    for (uint32_t i = slabs.first; i < slabs.past; ++i)
      visitor(store.slabs[i]);
  }

  const BlobPart &part;
  const MaskStore &store;
  char *blob;
  int32_t workers;
};

template <typename Block> void writeParts(const Blob &blob, char *out, int32_t threads) {
  PartWriter<Block>(blob.active, out, threads).write();
  PartWriter<Block>(blob.partial, out, threads).write();
}

} // namespace

Result<size_t> blobBytes(const BlockMask &active, const BlockMask *partial) {
  Result<Blob> blob = layOut(active, partial, 0);
  if (!blob.isOk())
    return blob.status();
  return static_cast<size_t>(blob->header.bytes);
}

Status writeBlob(const BlockMask &active, const BlockMask *partial, void *out, size_t bytes, int32_t threads) {
  Result<Blob> blob = layOut(active, partial, threads);
  if (!blob.isOk())
    return blob.status();
  if (!out)
    return makeError(StatusCode::InvalidArgument, "expects a 16-byte aligned blob, but got null");
  if (reinterpret_cast<uintptr_t>(out) % alignment != 0)
    return makeError(StatusCode::InvalidArgument, "expects a 16-byte aligned blob, but got ", out);
  if (bytes != blob->header.bytes)
    return makeError(StatusCode::InvalidArgument, "expects a blob of ", blob->header.bytes, " bytes, but got ", bytes);
  // What lies between the arrays is 0, too.
  std::memset(out, 0, bytes);
  std::memcpy(out, &blob->header, sizeof(blob->header));
  char *written = static_cast<char *>(out);
  if (blob->header.blockBytes == sizeof(uint16_t))
    writeParts<uint16_t>(*blob, written, threads);
  else
    writeParts<uint32_t>(*blob, written, threads);
  return {};
}

} // namespace sparse_attn
