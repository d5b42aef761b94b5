//===- RowLog.cpp - What was added to the rows of a mask ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RowLog.h"

#include "mask/BitRows.h"
#include "mask/MaskKernels.h"

#include <algorithm>
#include <utility>

namespace sparse_attn::mask {

namespace {

/// Large enough that few are needed, small enough to be reused by the allocator.
constexpr size_t blockBytes = 1 << 20;

bool beforeInRows(const RowEntry &a, const RowEntry &b) { return a.q < b.q; }

} // namespace

/// Makes the rows of a log.
class LoggedRows final : public RowProducer {
public:
  explicit LoggedRows(const RowLog &log) : entries(log.entries) {}

  bool hasRows(uint32_t first, uint32_t past) override {
    const RowEntry *entry = firstOf(first);
    return entry != end() && entry->q < past;
  }

  void produce(uint32_t q, RowSink &sink) override {
    if (!continuesAt(q))
      current = firstOf(q);
    const RowEntry *first = current;
    while (current != end() && current->q == q)
      ++current;
    if (current - first == 1 && first->kind == RowEntry::Kind::Narrow)
      return sink.add({0, nullptr, 0, static_cast<const uint16_t *>(first->elements), first->count});
    if (current - first == 1 && first->kind == RowEntry::Kind::Ascending)
      return addAscending(static_cast<const uint32_t *>(first->elements), first->count, sink);
    if (current != first)
      addJoined(first, current, sink);
  }

private:
  const RowEntry *end() const { return entries.data() + entries.size(); }

  /// Whether `current` is the first entry of row q or after. Mostly so, as rows are asked for one after the other.
  bool continuesAt(uint32_t q) const {
    return current && (current == end() || current->q >= q) && (current == entries.data() || current[-1].q < q);
  }

  const RowEntry *firstOf(uint32_t q) const {
    return std::lower_bound(entries.data(), end(), RowEntry{nullptr, q, 0, {}}, beforeInRows);
  }

  void addAscending(const uint32_t *words, size_t count, RowSink &sink) {
    for (const uint32_t *end = words + count; words != end;) {
      uint32_t keyFirst = *words / slabBlocks * slabBlocks;
      const uint32_t *past = end;
      if (end[-1] - keyFirst >= slabBlocks)
        past = std::lower_bound(words, end, keyFirst + slabBlocks);
      keys.resize(static_cast<size_t>(past - words));
      kernels().narrow(keys.data(), keyFirst, words, keys.size());
      sink.add({keyFirst, nullptr, 0, keys.data(), keys.size()});
      words = past;
    }
  }

  /// Adds entries of one row as ranges.
  void addJoined(const RowEntry *first, const RowEntry *past, RowSink &sink) {
    joined.clear();
    bool sorted = past - first == 1 && first->kind != RowEntry::Kind::Unsorted;
    for (; first != past; ++first)
      addRanges(*first);
    if (!sorted)
      joined.normalize();
    for (size_t i = 0; i < joined.size();)
      i = addColumn(i, sink);
  }

  void addRanges(const RowEntry &entry) {
    if (entry.kind == RowEntry::Kind::Bits)
      return forEachRun(static_cast<const uint64_t *>(entry.elements), entry.count,
                        [&](BlockRange range) { joined.add(range); });
    if (entry.kind == RowEntry::Kind::Narrow)
      return addSingles(static_cast<const uint16_t *>(entry.elements), entry.count);
    const uint32_t *words = static_cast<const uint32_t *>(entry.elements);
    if (entry.kind != RowEntry::Kind::Ranges)
      return addSingles(words, entry.count);
    for (size_t i = 0; i < entry.count; ++i)
      joined.add({words[2 * i], words[2 * i + 1]});
  }

  template <typename Key> void addSingles(const Key *keys, size_t count) {
    for (size_t i = 0; i < count; ++i)
      joined.add({keys[i], keys[i] + uint32_t(1)});
  }

  /// Adds those ranges from the one at `i` that lie in one column of slabs; cuts the one that reaches out of it.
  /// Returns the index of the next one.
  size_t addColumn(size_t i, RowSink &sink) {
    uint32_t keyFirst = joined[i].first / slabBlocks * slabBlocks;
    uint64_t keyPast = uint64_t(keyFirst) + slabBlocks;
    column.clear();
    for (; i < joined.size() && joined[i].first < keyPast; ++i) {
      uint32_t past = static_cast<uint32_t>(std::min<uint64_t>(joined[i].past, keyPast));
      column.add({joined[i].first - keyFirst, past - keyFirst});
      if (past == joined[i].past)
        continue;
      joined.trim(i, past);
      break;
    }
    sink.add({keyFirst, column.data(), column.size(), nullptr, 0});
    return i;
  }

  const std::vector<RowEntry> &entries;
  const RowEntry *current = nullptr; ///< The first entry behind the last row that was made.
  std::vector<uint16_t> keys;
  RangeBuffer joined, column;
};

void *RowLog::allocateBytes(size_t count) {
  constexpr size_t alignment = sizeof(uint64_t);
  count = (count + alignment - 1) / alignment * alignment;
  if (count > left) {
    size_t size = std::max(count, blockBytes);
    std::unique_ptr<char[]> block(new char[size]);
    blocks.push_back(std::move(block));
    next = blocks.back().get();
    left = size;
  }
  left -= count;
  return std::exchange(next, next + count);
}

void RowLog::add(uint32_t q, RowEntry::Kind kind, const uint32_t *words, size_t count) {
  // Only unsorted key blocks can be so many that one entry cannot count them.
  constexpr size_t maxCount = UINT32_MAX;
  for (size_t part; count != 0; words += part, count -= part) {
    part = std::min(count, maxCount);
    entries.push_back({words, q, static_cast<uint32_t>(part), kind});
    bytes += part * (kind == RowEntry::Kind::Ranges ? sizeof(KeyRun) : sizeof(uint16_t));
  }
}

void RowLog::addNarrow(uint32_t q, const uint32_t *keys, size_t count) {
  uint16_t *narrow = static_cast<uint16_t *>(allocateBytes(count * sizeof(uint16_t)));
  kernels().narrow(narrow, 0, keys, count);
  entries.push_back({narrow, q, static_cast<uint32_t>(count), RowEntry::Kind::Narrow});
  bytes += count * sizeof(uint16_t);
}

void RowLog::addBits(uint32_t q, const uint64_t *bits, size_t wordCount) {
  size_t ranges = 0;
  forEachRun(bits, wordCount, [&](BlockRange) { ++ranges; });
  if (ranges * sizeof(BlockRange) <= wordCount * sizeof(uint64_t)) {
    uint32_t *words = allocate(2 * ranges), *nextWord = words;
    forEachRun(bits, wordCount, [&](BlockRange range) {
      *nextWord++ = range.first;
      *nextWord++ = range.past;
    });
    return add(q, RowEntry::Kind::Ranges, words, ranges);
  }
  uint64_t *words = static_cast<uint64_t *>(allocateBytes(wordCount * sizeof(uint64_t)));
  std::copy(bits, bits + wordCount, words);
  entries.push_back({words, q, static_cast<uint32_t>(wordCount), RowEntry::Kind::Bits});
  bytes += ranges * sizeof(KeyRun);
}

void RowLog::sortByRow(uint32_t rows) {
  if (std::is_sorted(entries.begin(), entries.end(), beforeInRows))
    return;
  if (entries.size() < rows / 8)
    return std::stable_sort(entries.begin(), entries.end(), beforeInRows);
  // Counted by row, then each put in its place.
  std::vector<size_t> places(size_t(rows) + 1);
  for (const RowEntry &entry : entries)
    ++places[entry.q + size_t(1)];
  for (size_t q = 0; q < rows; ++q)
    places[q + 1] += places[q];
  std::vector<RowEntry> sorted(entries.size());
  for (const RowEntry &entry : entries)
    sorted[places[entry.q]++] = entry;
  entries.swap(sorted);
}

RowSource RowLog::rows() const {
  return [this] { return std::make_unique<LoggedRows>(*this); };
}

} // namespace sparse_attn::mask
