//===- SharedBlocks.cpp - Which requests read the same blocks -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/SharedBlocks.h"

#include "mask/RoaringBitmap.h"

#include <algorithm>

namespace sparse_attn {

namespace {

std::vector<uint32_t> valuesOf(const RoaringBitmap &bitmap) {
  std::vector<uint32_t> values(static_cast<size_t>(bitmap.cardinality()));
  bitmap.copyValues(values.data());
  return values;
}

/// A group in the making.
struct Group {
  RoaringBitmap blocks;
  std::vector<uint32_t> requests;
};

/// Splits the shared blocks by who reads them, request by request: a request cuts each group into the blocks that it
/// reads and those that it does not.
class Partition {
public:
  /// Adds a request that reads `rest` of the shared blocks.
  void add(uint32_t request, RoaringBitmap rest) {
    size_t groupCount = groups.size();
    for (size_t i = 0; i < groupCount && !rest.isEmpty(); ++i) {
      RoaringBitmap read = groups[i].blocks.intersectionWith(rest);
      if (read.isEmpty())
        continue;
      rest.subtract(read);
      if (read.cardinality() == groups[i].blocks.cardinality()) {
        groups[i].requests.push_back(request);
        continue;
      }
      groups[i].blocks.subtract(read);
      groups.push_back({std::move(read), groups[i].requests});
      groups.back().requests.push_back(request);
    }
    if (!rest.isEmpty())
      groups.push_back({std::move(rest), {request}});
  }

  std::vector<SharingGroup> take() {
    std::vector<SharingGroup> taken;
    for (Group &group : groups)
      taken.push_back({std::move(group.requests), valuesOf(group.blocks), 0});
    std::sort(taken.begin(), taken.end(), [](const SharingGroup &left, const SharingGroup &right) {
      return left.savedLoads() != right.savedLoads() ? left.savedLoads() > right.savedLoads()
                                                     : left.blocks.front() < right.blocks.front();
    });
    return taken;
  }

private:
  std::vector<Group> groups;
};

SharedBlocks analyse(const std::vector<RoaringBitmap> &requests) {
  SharedBlocks result;
  RoaringBitmap seen, shared, common;
  for (size_t i = 0; i < requests.size(); ++i) {
    result.loads += requests[i].cardinality();
    shared.unite(seen.intersectionWith(requests[i]));
    seen.unite(requests[i]);
    if (i == 0)
      common = requests[i];
    else
      common.intersect(requests[i]);
  }
  Partition partition;
  for (size_t i = 0; i < requests.size(); ++i)
    partition.add(static_cast<uint32_t>(i), requests[i].intersectionWith(shared));
  result.common = valuesOf(common);
  result.distinctBlocks = seen.cardinality();
  result.groups = partition.take();
  return result;
}

/// How many of the first blocks all requests of a group have in common.
size_t commonPrefixOf(const SharingGroup &group, const std::vector<BlockList> &requests) {
  const BlockList &first = requests[group.requests.front()];
  size_t length = first.count;
  for (uint32_t request : group.requests) {
    const BlockList &other = requests[request];
    length = std::min(length, other.count);
    length = static_cast<size_t>(std::mismatch(first.blocks, first.blocks + length, other.blocks).first - first.blocks);
  }
  return length;
}

} // namespace

Result<SharedBlocks> sharedBlocks(const std::vector<BlockList> &requests) {
  if (requests.size() > UINT32_MAX)
    return makeError(StatusCode::InvalidArgument, "expects at most ", UINT32_MAX, " requests, but got ",
                     requests.size());
  std::vector<RoaringBitmap> bitmaps;
  bitmaps.reserve(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].count != 0 && !requests[i].blocks)
      return makeError(StatusCode::InvalidArgument, "request ", i, ": expects ", requests[i].count,
                       " blocks, but got null");
    bitmaps.push_back(RoaringBitmap::fromValues(requests[i].blocks, requests[i].count));
  }
  SharedBlocks result = analyse(bitmaps);
  for (SharingGroup &group : result.groups)
    group.commonPrefix = commonPrefixOf(group, requests);
  return result;
}

Result<SharedBlocks> sharedBlocks(const BlockMask &requests) {
  std::vector<RoaringBitmap> bitmaps;
  bitmaps.reserve(requests.grid().queryBlocks);
  std::vector<BlockRange> row;
  std::vector<ValueRange> ranges;
  for (uint32_t q = 0; q < requests.grid().queryBlocks; ++q) {
    requests.ranges(q, row);
    ranges.clear();
    for (const BlockRange &range : row)
      ranges.push_back({range.first, range.past});
    Result<RoaringBitmap> bitmap = RoaringBitmap::fromRanges(ranges.data(), ranges.size());
    if (!bitmap.isOk())
      return bitmap.status();
    bitmaps.push_back(std::move(*bitmap));
  }
  return analyse(bitmaps);
}

} // namespace sparse_attn
