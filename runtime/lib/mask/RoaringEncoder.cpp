//===- RoaringEncoder.cpp - Writes the portable Roaring format -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringEncoder.h"

#include "mask/BitRows.h"
#include "mask/RoaringFormat.h"

namespace sparse_attn::mask {

namespace {

/// The keys of a container, one bit each.
struct Bitset {
  uint64_t words[RoaringFormat::bitsetBytes / sizeof(uint64_t)] = {};
};

uint8_t *storeRun(uint8_t *out, uint32_t first, uint32_t last) {
  storeNumber<uint16_t>(out, static_cast<uint16_t>(first));
  storeNumber<uint16_t>(out + sizeof(uint16_t), static_cast<uint16_t>(last - first));
  return out + RoaringFormat::runBytes;
}

/// How many runs the keys form, or 0 where they do not rise strictly.
size_t countRuns(const uint16_t *keys, size_t count) {
  size_t runs = 1;
  for (size_t begin = 1; begin < count; begin += 1024) {
    // Without an exit, and in 16 bits, which a block's numbers fit: the compiler makes vector code of it.
    size_t end = std::min(count, begin + 1024);
    uint16_t falls = 0, gaps = 0;
    for (size_t i = begin; i < end; ++i) {
      uint16_t expected = static_cast<uint16_t>(keys[i - 1] + 1);
      falls |= keys[i] <= keys[i - 1];
      gaps += keys[i] != expected;
    }
    if (falls != 0)
      return 0;
    runs += gaps;
  }
  return runs;
}

/// Ranges and keys of `piece` together, ascending and not touching.
void mergeInto(std::vector<BlockRange> &merged, const RowPiece &piece) {
  merged.clear();
  auto append = [&](BlockRange range) {
    if (!merged.empty() && merged.back().past == range.first)
      merged.back().past = range.past;
    else
      merged.push_back(range);
  };
  size_t next = 0;
  for (size_t i = 0; i < piece.rangeCount; ++i) {
    for (; next < piece.keyCount && piece.keys[next] < piece.ranges[i].first; ++next)
      append({piece.keys[next], piece.keys[next] + 1u});
    append(piece.ranges[i]);
  }
  for (; next < piece.keyCount; ++next)
    append({piece.keys[next], piece.keys[next] + 1u});
}

} // namespace

bool RoaringEncoder::addRow(uint16_t row, const uint16_t *keys, size_t count) {
  if (count == 0)
    return true;
  size_t runs = countRuns(keys, count);
  if (runs != 0)
    addKeys(row, keys, count, runs);
  return runs != 0;
}

void RoaringEncoder::addRow(uint16_t row, const RowPiece &piece) {
  if (piece.rangeCount == 0) {
    addRow(row, piece.keys, piece.keyCount);
  } else if (piece.keyCount == 0) {
    addRanges(row, piece.ranges, piece.rangeCount);
  } else {
    mergeInto(merged, piece);
    addRanges(row, merged.data(), merged.size());
  }
}

RoaringEncoder::RoaringEncoder(std::vector<uint8_t> prefix, size_t rows, bool hasRuns)
    : file(std::move(prefix)), start(file.size()), bodyStart(start + headerBytes(rows, hasRuns)) {
  file.resize(bodyStart);
  containers.reserve(rows);
}

bool RoaringEncoder::addContainer(uint16_t row, size_t runs, uint32_t cardinality) {
  size_t otherBytes =
      cardinality <= RoaringFormat::maxArray ? RoaringFormat::arrayBytes(cardinality) : RoaringFormat::bitsetBytes;
  bool isRuns = RoaringFormat::runsBytes(runs) < otherBytes;
  uint32_t offset = static_cast<uint32_t>(file.size() - bodyStart);
  containers.push_back({row, static_cast<uint16_t>(cardinality - 1), isRuns, offset});
  valueCount += cardinality;
  hasRuns |= isRuns;
  return isRuns;
}

uint8_t *RoaringEncoder::grow(size_t bytes) {
  size_t end = file.size();
  file.resize(end + bytes);
  return file.data() + end;
}

void RoaringEncoder::append(const void *bytes, size_t size) {
  const uint8_t *first = static_cast<const uint8_t *>(bytes);
  file.insert(file.end(), first, first + size);
}

void RoaringEncoder::addKeys(uint16_t row, const uint16_t *keys, size_t count, size_t runs) {
  uint32_t cardinality = static_cast<uint32_t>(count);
  if (addContainer(row, runs, cardinality)) {
    uint8_t *out = grow(RoaringFormat::runsBytes(runs));
    storeNumber<uint16_t>(out, static_cast<uint16_t>(runs));
    out += sizeof(uint16_t);
    for (size_t first = 0, last = 0; first < count; first = ++last) {
      while (last + 1 < count && keys[last + 1] == keys[last] + 1)
        ++last;
      out = storeRun(out, keys[first], keys[last]);
    }
  } else if (cardinality <= RoaringFormat::maxArray) {
    append(keys, RoaringFormat::arrayBytes(cardinality));
  } else {
    Bitset bitset;
    for (size_t i = 0; i < count; ++i)
      setBit(bitset.words, keys[i]);
    append(bitset.words, sizeof(bitset.words));
  }
}

void RoaringEncoder::addRanges(uint16_t row, const BlockRange *ranges, size_t count) {
  uint32_t cardinality = 0;
  for (size_t i = 0; i < count; ++i)
    cardinality += ranges[i].size();
  if (addContainer(row, count, cardinality)) {
    uint8_t *out = grow(RoaringFormat::runsBytes(count));
    storeNumber<uint16_t>(out, static_cast<uint16_t>(count));
    out += sizeof(uint16_t);
    for (size_t i = 0; i < count; ++i)
      out = storeRun(out, ranges[i].first, ranges[i].past - 1);
  } else if (cardinality <= RoaringFormat::maxArray) {
    uint8_t *out = grow(RoaringFormat::arrayBytes(cardinality));
    for (size_t i = 0; i < count; ++i)
      for (uint32_t key = ranges[i].first; key < ranges[i].past; ++key, out += sizeof(uint16_t))
        storeNumber<uint16_t>(out, static_cast<uint16_t>(key));
  } else {
    Bitset bitset;
    for (size_t i = 0; i < count; ++i)
      setBits(bitset.words, ranges[i]);
    append(bitset.words, sizeof(bitset.words));
  }
}

size_t RoaringEncoder::headerBytes(size_t rows, bool hasRuns) {
  bool hasOffsets = !hasRuns || rows >= RoaringFormat::offsetThreshold;
  size_t cookieBytes = hasRuns ? sizeof(uint32_t) + (rows + 7) / 8 : 2 * sizeof(uint32_t);
  return cookieBytes + rows * (RoaringFormat::descriptorBytes + (hasOffsets ? sizeof(uint32_t) : 0));
}

size_t RoaringEncoder::bytes() const { return headerBytes(containers.size(), hasRuns) + file.size() - bodyStart; }

std::vector<uint8_t> RoaringEncoder::finish() && {
  // Nothing moves where the constructor was told the right numbers.
  size_t room = bodyStart - start, header = headerBytes(containers.size(), hasRuns);
  if (room < header)
    file.insert(file.begin() + static_cast<ptrdiff_t>(start), header - room, 0);
  else
    file.erase(file.begin() + static_cast<ptrdiff_t>(start), file.begin() + static_cast<ptrdiff_t>(bodyStart - header));
  writeHeader(file.data() + start);
  return std::move(file);
}

void RoaringEncoder::write(uint8_t *out) const {
  writeHeader(out);
  if (file.size() > bodyStart)
    std::memcpy(out + headerBytes(containers.size(), hasRuns), file.data() + bodyStart, file.size() - bodyStart);
}

void RoaringEncoder::writeHeader(uint8_t *out) const {
  uint32_t count = static_cast<uint32_t>(containers.size());
  uint32_t header = static_cast<uint32_t>(headerBytes(count, hasRuns));
  if (hasRuns) {
    storeNumber<uint32_t>(out, RoaringFormat::runCookie | (count - 1) << 16);
    uint8_t *flags = out + sizeof(uint32_t);
    std::memset(flags, 0, (count + 7) / 8);
    for (uint32_t i = 0; i < count; ++i)
      flags[i / 8] |= static_cast<uint8_t>(containers[i].isRuns << i % 8);
    out = flags + (count + 7) / 8;
  } else {
    storeNumber<uint32_t>(out, RoaringFormat::plainCookie);
    storeNumber<uint32_t>(out + sizeof(uint32_t), count);
    out += 2 * sizeof(uint32_t);
  }
  for (const Container &container : containers) {
    storeNumber<uint16_t>(out, container.row);
    storeNumber<uint16_t>(out + sizeof(uint16_t), container.lastIndex);
    out += RoaringFormat::descriptorBytes;
  }
  if (hasRuns && count < RoaringFormat::offsetThreshold)
    return;
  for (const Container &container : containers) {
    storeNumber<uint32_t>(out, header + container.offset);
    out += sizeof(uint32_t);
  }
}

} // namespace sparse_attn::mask
