//===- RoaringBitmap.cpp - Sets of 32-bit integers in Roaring form ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringBitmap.h"

#include "mask/RoaringEncoder.h"
#include "mask/RoaringFormat.h"
#include "mask/RoaringValidator.h"

#include <algorithm>
#include <new>
#include <roaring/roaring.h>

// Newer versions deprecate the names that 0.2.66 has for the functions of iterators.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace sparse_attn {

using mask::RoaringContent;
using mask::RoaringEncoder;
using mask::RoaringFormat;

namespace {

template <typename Owner> roaring_bitmap_t *native(const Owner &bitmap) {
  return static_cast<roaring_bitmap_t *>(bitmap.get());
}

/// Whether a newer library, which can tell, finds its bitmap in order.
bool passesOwnCheck([[maybe_unused]] const roaring_bitmap_t *bitmap) {
#ifdef SPARSE_ATTN_ROARING_VALIDATES
  const char *reason = nullptr;
  return roaring_bitmap_internal_validate(bitmap, &reason);
#else
  return true;
#endif
}

mask::RowPiece pieceOf(const std::vector<BlockRange> &runs) { return {0, runs.data(), runs.size(), nullptr, 0}; }

/// Adds [begin, end), cut into rows, to `encoder`; `runs` collects those of the last row, which is `row`.
void addRange(uint64_t begin, uint64_t end, RoaringEncoder &encoder, uint16_t &row, std::vector<BlockRange> &runs) {
  while (begin < end) {
    uint64_t beginRow = begin / RoaringFormat::containerValues;
    if (beginRow != row) {
      encoder.addRow(row, pieceOf(runs));
      runs.clear();
      row = static_cast<uint16_t>(beginRow);
    }
    uint64_t rowBegin = beginRow * RoaringFormat::containerValues;
    uint64_t past = std::min(end, rowBegin + RoaringFormat::containerValues);
    BlockRange run = {static_cast<uint32_t>(begin - rowBegin), static_cast<uint32_t>(past - rowBegin)};
    if (!runs.empty() && runs.back().past == run.first)
      runs.back().past = run.past;
    else
      runs.push_back(run);
    begin = past;
  }
}

} // namespace

void RoaringBitmap::Free::operator()(void *bitmap) const {
  roaring_bitmap_free(static_cast<roaring_bitmap_t *>(bitmap));
}

RoaringBitmap::RoaringBitmap(void *made) : bitmap(made) {
  if (!bitmap)
    throw std::bad_alloc();
}

RoaringBitmap::RoaringBitmap() : RoaringBitmap(roaring_bitmap_create()) {}

RoaringBitmap::RoaringBitmap(const RoaringBitmap &other) : RoaringBitmap(roaring_bitmap_copy(native(other.bitmap))) {}

RoaringBitmap &RoaringBitmap::operator=(const RoaringBitmap &other) { return *this = RoaringBitmap(other); }

RoaringBitmap RoaringBitmap::fromValues(const uint32_t *values, size_t count) {
  return RoaringBitmap(roaring_bitmap_of_ptr(count, values));
}

RoaringBitmap RoaringBitmap::fromEncoded(const RoaringEncoder &encoder) {
  std::vector<uint8_t> bytes(encoder.bytes());
  encoder.write(bytes.data());
  return RoaringBitmap(
      roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
}

Result<RoaringBitmap> RoaringBitmap::fromRanges(const ValueRange *ranges, size_t count) {
  constexpr uint64_t maxEnd = uint64_t(1) << 32;
  RoaringEncoder encoder;
  uint16_t row = 0;
  std::vector<BlockRange> runs;
  uint64_t lowest = 0;
  for (size_t i = 0; i < count; ++i) {
    auto [begin, end] = ranges[i];
    if (begin >= end)
      continue;
    if (begin < lowest || end > maxEnd)
      return makeError(StatusCode::InvalidArgument, "expects range ", i, " within [", lowest, ", ", maxEnd,
                       "), but got [", begin, ", ", end, ")");
    addRange(begin, end, encoder, row, runs);
    lowest = end;
  }
  encoder.addRow(row, pieceOf(runs));
  return fromEncoded(encoder);
}

uint64_t RoaringBitmap::cardinality() const { return roaring_bitmap_get_cardinality(native(bitmap)); }

bool RoaringBitmap::isEmpty() const { return roaring_bitmap_is_empty(native(bitmap)); }

bool RoaringBitmap::contains(uint32_t value) const { return roaring_bitmap_contains(native(bitmap), value); }

bool RoaringBitmap::operator==(const RoaringBitmap &other) const {
  return roaring_bitmap_equals(native(bitmap), native(other.bitmap));
}

RoaringBitmap RoaringBitmap::unionWith(const RoaringBitmap &other) const {
  return RoaringBitmap(roaring_bitmap_or(native(bitmap), native(other.bitmap)));
}

RoaringBitmap RoaringBitmap::intersectionWith(const RoaringBitmap &other) const {
  return RoaringBitmap(roaring_bitmap_and(native(bitmap), native(other.bitmap)));
}

RoaringBitmap RoaringBitmap::differenceWith(const RoaringBitmap &other) const {
  return RoaringBitmap(roaring_bitmap_andnot(native(bitmap), native(other.bitmap)));
}

uint64_t RoaringBitmap::intersectionCount(const RoaringBitmap &other) const {
  return roaring_bitmap_and_cardinality(native(bitmap), native(other.bitmap));
}

void RoaringBitmap::unite(const RoaringBitmap &other) {
  if (this != &other)
    roaring_bitmap_or_inplace(native(bitmap), native(other.bitmap));
}

void RoaringBitmap::intersect(const RoaringBitmap &other) {
  if (this != &other)
    roaring_bitmap_and_inplace(native(bitmap), native(other.bitmap));
}

void RoaringBitmap::subtract(const RoaringBitmap &other) {
  if (this == &other)
    *this = RoaringBitmap();
  else
    roaring_bitmap_andnot_inplace(native(bitmap), native(other.bitmap));
}

void RoaringBitmap::copyValues(uint32_t *values) const { roaring_bitmap_to_uint32_array(native(bitmap), values); }

void RoaringBitmap::appendRow(uint16_t row, std::vector<uint16_t> &keys) const {
  roaring_uint32_iterator_t iterator;
  roaring_init_iterator(native(bitmap), &iterator);
  if (!roaring_move_uint32_iterator_equalorlarger(&iterator, uint32_t(row) << 16))
    return;
  uint32_t values[128];
  while (uint32_t count = roaring_read_uint32_iterator(&iterator, values, std::size(values))) {
    for (uint32_t i = 0; i < count; ++i) {
      if (values[i] >> 16 != row)
        return;
      keys.push_back(static_cast<uint16_t>(values[i]));
    }
  }
}

void RoaringBitmap::optimize() {
  roaring_bitmap_run_optimize(native(bitmap));
  roaring_bitmap_shrink_to_fit(native(bitmap));
}

size_t RoaringBitmap::heapBytes() const {
  // Of each container: key, type and pointer in the index, and a structure of a pointer and two numbers.
  constexpr size_t containerBytes = sizeof(uint16_t) + sizeof(uint8_t) + sizeof(void *) + 2 * sizeof(void *);
  roaring_statistics_t statistics;
  roaring_bitmap_statistics(native(bitmap), &statistics);
  return sizeof(roaring_bitmap_t) + statistics.n_containers * containerBytes + statistics.n_bytes_array_containers +
         statistics.n_bytes_run_containers + statistics.n_bytes_bitset_containers;
}

size_t RoaringBitmap::serializedBytes() const { return roaring_bitmap_portable_size_in_bytes(native(bitmap)); }

Status RoaringBitmap::serialize(std::vector<uint8_t> &bytes) const {
  size_t start = bytes.size(), size = serializedBytes();
  bytes.resize(start + size);
  size_t written = roaring_bitmap_portable_serialize(native(bitmap), reinterpret_cast<char *>(bytes.data() + start));
  Result<RoaringContent> content = mask::validateRoaring(bytes.data() + start, size);
  if (written == size && content.isOk() && content->cardinality == cardinality())
    return {};
  bytes.resize(start);
  if (!content.isOk())
    return makeError(StatusCode::Unsupported,
                     "expects CRoaring to write a valid bitmap, but got: ", content.status().message());
  return makeError(StatusCode::Unsupported, "expects CRoaring to write ", cardinality(), " values in ", size,
                   " bytes, but got ", content->cardinality, " in ", written);
}

Result<RoaringBitmap> RoaringBitmap::deserialize(const uint8_t *bytes, size_t size) {
  Result<RoaringContent> content = mask::validateRoaring(bytes, size);
  if (!content.isOk())
    return content.status();
  RoaringBitmap result(roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char *>(bytes), size));
  if (!passesOwnCheck(native(result.bitmap)) || result.cardinality() != content->cardinality)
    return makeError(StatusCode::InvalidArgument, "roaring bitmap: expects CRoaring to read ", content->cardinality,
                     " values, but got ", result.cardinality());
  return result;
}

} // namespace sparse_attn
