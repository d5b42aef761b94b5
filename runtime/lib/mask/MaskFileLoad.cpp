//===- MaskFileLoad.cpp - From the bytes of a file to masks ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing is allocated by a number of the file before that number has been
// held against the bytes that are there.
//
//===----------------------------------------------------------------------===//

#include "mask/MaskFileLoad.h"

#include "mask/BandTerms.h"
#include "mask/FreezeRows.h"
#include "mask/MaskFileOverlap.h"
#include "mask/RoaringDecoder.h"
#include "mask/SlabBuilder.h"
#include "mask/TermCount.h"

#include <algorithm>
#include <cstring>

namespace sparse_attn::mask {

namespace {

template <typename... Parts> Status invalid(const Parts &...parts) {
  return makeError(StatusCode::InvalidArgument, parts...);
}

/// `status` with the place in front.
template <typename... Place> Status at(const Status &status, const Place &...place) {
  return makeError(status.code(), place..., ": ", status.message());
}

uint64_t slabsIn(uint32_t blocks) { return (uint64_t(blocks) + slabBlocks - 1) / slabBlocks; }

BlockGrid gridOf(const MaskFileHeader &header) {
  return {header.queryBlocks, header.keyBlocks, header.queryBlockSize, header.keyBlockSize};
}

Status checkCounts(const MaskFileHeader &header) {
  if (header.pairs > uint64_t(header.queryBlocks) * header.keyBlocks)
    return invalid("pairs: expects at most ", header.queryBlocks, " x ", header.keyBlocks, ", but got ", header.pairs);
  if (header.termCount > maxTerms)
    return invalid("termCount: expects at most ", maxTerms, ", but got ", header.termCount);
  uint64_t maxSlabs = slabsIn(header.queryBlocks) * slabsIn(header.keyBlocks);
  if (header.slabCount > maxSlabs)
    return invalid("slabCount: expects at most ", maxSlabs, ", but got ", header.slabCount);
  uint64_t tableBytes = header.termCount * sizeof(BandTerm) + header.slabCount * sizeof(SlabRecord);
  if (header.payloadBytes < tableBytes)
    return invalid("payloadBytes: expects at least ", tableBytes, " for ", header.termCount, " terms and ",
                   header.slabCount, " slabs, but got ", header.payloadBytes);
  return {};
}

/// The work that `MaskLoadOptions` limits, at most 2^53.
uint64_t workOf(const BandTerm &term) {
  uint64_t rows = BlockRange{term.queryFirst, term.queryPast}.size();
  if (term.step == 1 || term.lowest > term.highest)
    return rows;
  uint64_t keys = BlockRange{term.keyFirst, term.keyPast}.size();
  uint64_t width = std::min(keys, static_cast<uint64_t>(term.highest - term.lowest) + 1);
  return rows * (65 + (width + term.step - 1) / term.step);
}

/// Reads a file whose header is good, and whose payload has the size that the header gives.
class PayloadReader {
public:
  PayloadReader(const MaskFileHeader &header, const uint8_t *payload, const MaskLoadOptions &options)
      : header(header), grid(gridOf(header)), payload(payload), options(options) {
    store->grid = grid;
  }

  Result<BlockMask> read() {
    uint32_t checksum = crc32c(payload, header.payloadBytes);
    if (checksum != header.payloadChecksum)
      return invalid("payloadChecksum: expects ", header.payloadChecksum, ", but got ", checksum);
    if (Status status = readTerms(); !status.isOk())
      return status;
    if (Status status = readSlabs(); !status.isOk())
      return status;
    store->count = countTermPairs(*store, options.freeze.threads) + countPairs(store->slabs);
    if (store->count != header.pairs)
      return invalid("pairs: expects ", header.pairs, ", but got ", store->count);
    Result<SharedStore> kept = convert(store, options.freeze);
    if (!kept.isOk())
      return kept.status();
    return BlockMask(std::move(*kept));
  }

private:
  Status readTerms() {
    std::vector<BandTerm> terms(header.termCount);
    if (!terms.empty())
      std::memcpy(terms.data(), payload, terms.size() * sizeof(BandTerm));
    uint64_t workLeft = options.maxTermWork;
    for (size_t i = 0; i < terms.size(); ++i) {
      if (Status status = checkTerm(grid, terms[i]); !status.isOk())
        return at(status, "term ", i);
      uint64_t work = workOf(terms[i]);
      if (work > workLeft)
        return invalid("term ", i, ": expects work of at most ", workLeft, " to count its pairs, but got ", work);
      workLeft -= work;
    }
    store->terms = TermIndex(simplify(terms));
    return {};
  }

  Status readSlabs() {
    const uint8_t *records = payload + header.termCount * sizeof(BandTerm);
    uint64_t offset =
        sizeof(MaskFileHeader) + header.termCount * sizeof(BandTerm) + header.slabCount * sizeof(SlabRecord);
    uint64_t leastPlace = 0;
    for (uint32_t i = 0; i < header.slabCount; ++i) {
      SlabRecord record;
      std::memcpy(&record, records + i * sizeof(record), sizeof(record));
      if (Status status = checkPlace(record, leastPlace); !status.isOk())
        return at(status, "slab ", i);
      if (Status status = checkExtent(record, offset); !status.isOk())
        return at(status, "slab ", i);
      if (Status status = readSlab(record); !status.isOk())
        return at(status, "slab ", i);
      leastPlace = placeOf(record) + 1;
      offset += record.bytes;
    }
    store->slabs.shrink_to_fit();
    uint64_t size = sizeof(MaskFileHeader) + header.payloadBytes;
    if (offset != size)
      return invalid("payloadBytes: expects ", offset - sizeof(MaskFileHeader), ", but got ", header.payloadBytes);
    return {};
  }

  /// Rises in the order that slabs have in a file.
  static uint64_t placeOf(const SlabRecord &record) { return uint64_t(record.queryFirst) << 32 | record.keyFirst; }

  Status checkPlace(const SlabRecord &record, uint64_t leastPlace) const {
    if (record.queryFirst % slabBlocks != 0 || record.queryFirst >= grid.queryBlocks)
      return invalid("queryFirst: expects a multiple of ", slabBlocks, " below ", grid.queryBlocks, ", but got ",
                     record.queryFirst);
    if (record.keyFirst % slabBlocks != 0 || record.keyFirst >= grid.keyBlocks)
      return invalid("keyFirst: expects a multiple of ", slabBlocks, " below ", grid.keyBlocks, ", but got ",
                     record.keyFirst);
    if (placeOf(record) < leastPlace)
      return invalid("expects a place behind that of the slab before, but got (", record.queryFirst, ", ",
                     record.keyFirst, ")");
    return {};
  }

  /// `offset` is where the slab before ends.
  Status checkExtent(const SlabRecord &record, uint64_t offset) const {
    if (record.offset != offset)
      return invalid("offset: expects ", offset, ", but got ", record.offset);
    uint64_t left = sizeof(MaskFileHeader) + header.payloadBytes - offset;
    if (record.bytes > left)
      return invalid("bytes: expects at most ", left, ", but got ", record.bytes);
    return {};
  }

  Status readSlab(const SlabRecord &record) {
    RoaringBounds bounds;
    bounds.rows = std::min(slabBlocks, grid.queryBlocks - record.queryFirst);
    bounds.keys = std::min(slabBlocks, grid.keyBlocks - record.keyFirst);
    const uint8_t *bytes = payload + (record.offset - sizeof(MaskFileHeader));
    Result<RoaringContent> content = validateRoaring(bytes, record.bytes, bounds);
    if (!content.isOk())
      return content.status();
    if (content->cardinality == 0)
      return {};
    store->slabs.push_back(decodeSlab(*content, record.queryFirst, record.keyFirst, bounds.rows));
    return checkApart(store->slabs.back(), store->terms);
  }

  const MaskFileHeader &header;
  const BlockGrid grid;
  const uint8_t *payload;
  const MaskLoadOptions &options;
  std::shared_ptr<MaskStore> store = std::make_shared<MaskStore>(); ///< Takes what has been read.
};

} // namespace

Result<MaskFileHeader> readMaskHeader(const uint8_t *bytes, size_t size, const MaskLoadOptions &options) {
  MaskFileHeader header = {};
  if (size > 0)
    std::memcpy(&header, bytes, std::min(size, sizeof(header)));
  if (size < sizeof(header.magic) ||
      std::memcmp(header.magic, MaskFileHeader::expectedMagic, sizeof(header.magic)) != 0)
    return invalid("magic: expects a mask file, which starts with ", MaskFileHeader::expectedMagic,
                   ", but got other bytes");
  if (size < sizeof(header))
    return invalid("header: expects ", sizeof(header), " bytes, but got ", size);
  // Other versions may compute the checksum in another way.
  if (header.version != MaskFileHeader::currentVersion)
    return makeError(StatusCode::VersionMismatch, "version: expects ", MaskFileHeader::currentVersion, ", but got ",
                     header.version);
  if (uint32_t checksum = header.computeChecksum(); checksum != header.headerChecksum)
    return invalid("headerChecksum: expects ", header.headerChecksum, ", but got ", checksum);
  if (header.reserved != 0)
    return invalid("reserved: expects 0, but got ", header.reserved);
  if (Status status = gridOf(header).check(); !status.isOk())
    return at(status, "grid");
  if (Status status = checkCounts(header); !status.isOk())
    return status;
  if (options.maxBytes < sizeof(header) || header.payloadBytes > options.maxBytes - sizeof(header))
    return invalid("payloadBytes: expects at most ", options.maxBytes, " with the header, but got ",
                   header.payloadBytes);
  return header;
}

Result<BlockMask> readMaskPayload(const MaskFileHeader &header, const uint8_t *payload,
                                  const MaskLoadOptions &options) {
  return PayloadReader(header, payload, options).read();
}

} // namespace sparse_attn::mask
