//===- RoaringValidator.cpp - Bytes that are one Roaring bitmap ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringValidator.h"

#include "mask/RoaringFormat.h"

namespace sparse_attn::mask {

namespace {

template <typename... Parts> Status invalid(const Parts &...parts) {
  return makeError(StatusCode::InvalidArgument, "roaring bitmap: ", parts...);
}

template <typename... Parts> Status invalidAt(size_t index, const RoaringContainer &container, const Parts &...parts) {
  return invalid("container ", index, " (row ", container.row, "): ", parts...);
}

/// Walks over the bytes from front to back. A failure leaves the position anywhere.
class RoaringWalk {
public:
  RoaringWalk(const uint8_t *bytes, size_t size, const RoaringBounds &bounds)
      : bytes(bytes), size(size), bounds(bounds) {}

  Result<RoaringContent> run() {
    if (Status status = readCookie(); !status.isOk())
      return status;
    if (Status status = readDescriptors(); !status.isOk())
      return status;
    size_t offsets = position;
    if (hasOffsets())
      if (Status status = skip(content.containers.size() * sizeof(uint32_t), "offsets"); !status.isOk())
        return status;
    for (size_t i = 0; i < content.containers.size(); ++i) {
      if (Status status = checkOffset(offsets, i); !status.isOk())
        return status;
      if (Status status = readContainer(i); !status.isOk())
        return status;
    }
    if (position != size)
      return invalid("expects to end after ", position, " bytes, but got ", size);
    return std::move(content);
  }

private:
  size_t left() const { return size - position; }
  bool hasRuns() const { return runFlags != nullptr; }
  bool hasOffsets() const { return !hasRuns() || content.containers.size() >= RoaringFormat::offsetThreshold; }

  /// Moves on by `count` bytes if they exist.
  Status skip(size_t count, const char *what) {
    if (count > left())
      return invalid("expects ", what, " of ", count, " bytes at offset ", position, ", but got ", left());
    position += count;
    return {};
  }

  /// Reads the number of containers, and makes as many empty ones if their descriptors fit.
  Status readCookie() {
    if (Status status = skip(sizeof(uint32_t), "a cookie"); !status.isOk())
      return status;
    uint32_t cookie = loadNumber<uint32_t>(bytes);
    uint32_t count = 0;
    if (cookie == RoaringFormat::plainCookie) {
      if (Status status = skip(sizeof(uint32_t), "a number of containers"); !status.isOk())
        return status;
      count = loadNumber<uint32_t>(bytes + sizeof(uint32_t));
      if (count > bounds.rows)
        return invalid("expects at most ", bounds.rows, " containers, but got ", count);
    } else if ((cookie & 0xffff) == RoaringFormat::runCookie) {
      count = (cookie >> 16) + 1;
      if (count > bounds.rows)
        return invalid("expects at most ", bounds.rows, " containers, but got ", count);
      runFlags = bytes + position;
      if (Status status = skip((count + 7) / 8, "flags of run containers"); !status.isOk())
        return status;
      if (count % 8 != 0 && runFlags[count / 8] >> count % 8 != 0)
        return invalid("expects no flag behind container ", count - 1, ", but got one");
    } else {
      return invalid("expects the cookie ", RoaringFormat::plainCookie, " or ", RoaringFormat::runCookie, ", but got ",
                     cookie);
    }
    if (count > left() / RoaringFormat::descriptorBytes)
      return invalid("expects descriptors of ", count, " containers at offset ", position, ", but got ", left(),
                     " bytes");
    content.containers.resize(count);
    return {};
  }

  Status readDescriptors() {
    uint32_t nextRow = 0;
    for (size_t i = 0; i < content.containers.size(); ++i, position += RoaringFormat::descriptorBytes) {
      RoaringContainer &container = content.containers[i];
      container.row = loadNumber<uint16_t>(bytes + position);
      container.cardinality = loadNumber<uint16_t>(bytes + position + sizeof(uint16_t)) + 1u;
      content.cardinality += container.cardinality;
      if (container.row < nextRow)
        return invalidAt(i, container, "expects a row of at least ", nextRow, ", but got ", container.row);
      if (container.row >= bounds.rows)
        return invalidAt(i, container, "expects a row below ", bounds.rows, ", but got ", container.row);
      nextRow = container.row + 1u;
      if (hasRuns() && (runFlags[i / 8] >> i % 8 & 1) != 0)
        container.kind = RoaringContainer::Kind::Runs;
      else if (container.cardinality > RoaringFormat::maxArray)
        container.kind = RoaringContainer::Kind::Bitset;
    }
    return {};
  }

  Status checkOffset(size_t offsets, size_t index) const {
    if (!hasOffsets())
      return {};
    uint32_t offset = loadNumber<uint32_t>(bytes + offsets + index * sizeof(uint32_t));
    if (offset != position)
      return invalidAt(index, content.containers[index], "expects offset ", position, ", but got ", offset);
    return {};
  }

  Status readContainer(size_t index) {
    RoaringContainer &container = content.containers[index];
    container.data = bytes + position;
    switch (container.kind) {
    case RoaringContainer::Kind::Array:
      if (Status status = skip(RoaringFormat::arrayBytes(container.cardinality), "an array"); !status.isOk())
        return status;
      return checkArray(index, container);
    case RoaringContainer::Kind::Bitset:
      if (Status status = skip(RoaringFormat::bitsetBytes, "a bitset"); !status.isOk())
        return status;
      return checkBitset(index, container);
    case RoaringContainer::Kind::Runs:
      if (Status status = skip(sizeof(uint16_t), "a number of runs"); !status.isOk())
        return status;
      container.runs = loadNumber<uint16_t>(container.data);
      container.data += sizeof(uint16_t);
      if (Status status = skip(container.runs * RoaringFormat::runBytes, "runs"); !status.isOk())
        return status;
      return checkRuns(index, container);
    }
    return {};
  }

  Status checkLastKey(size_t index, const RoaringContainer &container, uint32_t last) const {
    if (last >= bounds.keys)
      return invalidAt(index, container, "expects keys below ", bounds.keys, ", but got ", last);
    return {};
  }

  Status checkArray(size_t index, const RoaringContainer &container) const {
    const uint8_t *data = container.data;
    // Without an exit, and in 16 bits, so that the compiler makes vector code of it: most of a file is arrays.
    uint16_t falls = 0;
    for (size_t i = 1; i < container.cardinality; ++i)
      falls |= loadNumber<uint16_t>(data + i * 2) <= loadNumber<uint16_t>(data + i * 2 - 2);
    if (falls != 0)
      return invalidAt(index, container, "expects keys that rise, but got one that does not");
    return checkLastKey(index, container, loadNumber<uint16_t>(data + container.cardinality * 2 - 2));
  }

  Status checkBitset(size_t index, const RoaringContainer &container) const {
    uint32_t cardinality = 0, last = 0;
    for (uint32_t i = 0; i < RoaringFormat::bitsetBytes; i += sizeof(uint64_t)) {
      uint64_t word = loadNumber<uint64_t>(container.data + i);
      cardinality += static_cast<uint32_t>(__builtin_popcountll(word));
      if (word != 0)
        last = i * 8 + 63 - static_cast<uint32_t>(__builtin_clzll(word));
    }
    if (cardinality != container.cardinality)
      return invalidAt(index, container, "expects ", container.cardinality, " keys, but got ", cardinality);
    return checkLastKey(index, container, last);
  }

  Status checkRuns(size_t index, const RoaringContainer &container) const {
    uint32_t cardinality = 0, lowest = 0;
    for (uint32_t i = 0; i < container.runs; ++i) {
      const uint8_t *run = container.data + i * RoaringFormat::runBytes;
      uint32_t first = loadNumber<uint16_t>(run);
      uint32_t length = loadNumber<uint16_t>(run + sizeof(uint16_t)) + 1u;
      if (first < lowest)
        return invalidAt(index, container, "expects run ", i, " to start at ", lowest, " or later, but got ", first);
      // Runs that touch would be one; lowest is 65,537 after a run to the end.
      lowest = first + length + 1;
      if (lowest > RoaringFormat::containerValues + 1)
        return invalidAt(index, container, "expects run ", i, " to end by ", RoaringFormat::containerValues - 1,
                         ", but got ", lowest - 2);
      cardinality += length;
    }
    if (cardinality != container.cardinality)
      return invalidAt(index, container, "expects ", container.cardinality, " keys, but got ", cardinality);
    return checkLastKey(index, container, lowest - 2);
  }

  const uint8_t *bytes;
  size_t size;
  RoaringBounds bounds;
  size_t position = 0;
  const uint8_t *runFlags = nullptr; ///< Null in the form without runs.
  RoaringContent content;
};

} // namespace

Result<RoaringContent> validateRoaring(const uint8_t *bytes, size_t size, const RoaringBounds &bounds) {
  return RoaringWalk(bytes, size, bounds).run();
}

} // namespace sparse_attn::mask
