//===- MaskFileSave.cpp - From masks to the bytes of a file ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/MaskFile.h"

#include "mask/MaskFileFormat.h"
#include "mask/MaskStore.h"
#include "mask/RoaringEncoder.h"
#include "mask/RoaringValidator.h"

#include <cstring>

namespace sparse_attn {

using namespace mask;

namespace {

/// The rows of a slab, each of which is in two lists.
class SlabRows {
public:
  SlabRows(const Slab &slab, uint32_t rows) : slab(slab), rows(rows) {}

  size_t countUsed() const {
    size_t used = 0;
    for (uint32_t row = 0; row < rows; ++row)
      used += !slab.keyRows.find(row).isEmpty() || !slab.runRows.find(row).isEmpty();
    return used;
  }

  void encode(RoaringEncoder &encoder) const {
    std::vector<BlockRange> ranges;
    for (uint32_t row = 0; row < rows; ++row) {
      BlockRange keys = slab.keyRows.find(row), runs = slab.runRows.find(row);
      ranges.clear();
      for (uint32_t i = runs.first; i < runs.past; ++i)
        ranges.push_back({slab.runs[i].first, slab.runs[i].last + uint32_t(1)});
      encoder.addRow(static_cast<uint16_t>(row),
                     RowPiece{0, ranges.data(), ranges.size(), slab.keys.data() + keys.first, keys.size()});
    }
  }

private:
  const Slab &slab;
  uint32_t rows;
};

class MaskFileWriter {
public:
  /// A mask kept as TermsAndRows.
  explicit MaskFileWriter(const BlockMask &mask) : grid(mask.grid()), pairs(mask.count()), store(mask.store()) {}

  Status write() {
    const std::vector<BandTerm> &terms = store.terms.terms();
    size_t termBytes = terms.size() * sizeof(BandTerm);
    size_t recordsOffset = sizeof(MaskFileHeader) + termBytes;
    size_t tableBytes = recordsOffset + store.slabs.size() * sizeof(SlabRecord);
    file.reserve(expectedBytes(tableBytes));
    file.resize(tableBytes);
    if (!terms.empty())
      std::memcpy(file.data() + sizeof(MaskFileHeader), terms.data(), termBytes);
    for (size_t i = 0; i < store.slabs.size(); ++i)
      if (Status status = writeSlab(store.slabs[i], recordsOffset + i * sizeof(SlabRecord)); !status.isOk())
        return status;
    writeHeader();
    return {};
  }

  std::vector<uint8_t> file;

private:
  Status writeSlab(const Slab &slab, size_t recordOffset) {
    SlabRows rows(slab, std::min(slabBlocks, grid.queryBlocks - slab.queryFirst));
    SlabRecord record = {slab.queryFirst, slab.keyFirst, file.size(), 0};
    RoaringEncoder encoder(std::move(file), rows.countUsed(), slab.runs.size() != 0);
    rows.encode(encoder);
    file = std::move(encoder).finish();
    record.bytes = file.size() - record.offset;
    std::memcpy(file.data() + recordOffset, &record, sizeof(record));
    Result<RoaringContent> content = validateRoaring(file.data() + record.offset, record.bytes);
    if (!content.isOk())
      return Status(StatusCode::Unsupported, "expects to write a valid file, but got: " + content.status().message());
    return {};
  }

  /// About the size of the file, so that it need not grow.
  size_t expectedBytes(size_t tableBytes) const {
    size_t bytes = tableBytes;
    for (const Slab &slab : store.slabs)
      bytes += slab.keys.bytes() + slab.runs.bytes() + 16 * (slab.keyRows.entries() + slab.runRows.entries());
    return bytes;
  }

  void writeHeader() {
    MaskFileHeader header = {};
    std::memcpy(header.magic, MaskFileHeader::expectedMagic, sizeof(header.magic));
    header.version = MaskFileHeader::currentVersion;
    header.queryBlocks = grid.queryBlocks;
    header.keyBlocks = grid.keyBlocks;
    header.queryBlockSize = grid.queryBlockSize;
    header.keyBlockSize = grid.keyBlockSize;
    header.termCount = static_cast<uint32_t>(store.terms.terms().size());
    header.pairs = pairs;
    header.payloadBytes = file.size() - sizeof(header);
    header.slabCount = static_cast<uint32_t>(store.slabs.size());
    header.payloadChecksum = crc32c(file.data() + sizeof(header), header.payloadBytes);
    header.headerChecksum = header.computeChecksum();
    std::memcpy(file.data(), &header, sizeof(header));
  }

  const BlockGrid grid;
  const uint64_t pairs;
  const MaskStore &store;
};

} // namespace

Status saveMask(const BlockMask &mask, std::vector<uint8_t> &buffer) {
  FreezeOptions options;
  options.representation = Representation::TermsAndRows;
  Result<BlockMask> rows = mask.withRepresentation(options);
  if (!rows.isOk())
    return rows.status();
  MaskFileWriter writer(*rows);
  if (Status status = writer.write(); !status.isOk())
    return status;
  if (buffer.empty())
    buffer = std::move(writer.file);
  else
    buffer.insert(buffer.end(), writer.file.begin(), writer.file.end());
  return {};
}

} // namespace sparse_attn
