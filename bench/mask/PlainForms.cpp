//===- PlainForms.cpp - Dense, coordinates, compressed rows ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain loops, compiled for the machine that builds them.
//
//===----------------------------------------------------------------------===//

#include "MaskForm.h"

#include <algorithm>
#include <cstring>

namespace sparse_attn::bench {

namespace {

/// Writes the keys that two ascending lists share.
template <typename Key>
uint32_t intersectLists(const Key *a, const Key *endA, const Key *b, const Key *endB, uint32_t *out) {
  uint32_t *next = out;
  while (a != endA && b != endB) {
    Key keyA = *a, keyB = *b;
    *next = keyA;
    next += keyA == keyB;
    a += keyA <= keyB;
    b += keyB <= keyA;
  }
  return static_cast<uint32_t>(next - out);
}

/// One byte a pair.
class DenseForm final : public MaskForm {
public:
  explicit DenseForm(const MaskSample &sample) : blocks(sample.shape().blocks), matrix(size_t(blocks) * blocks) {
    std::vector<uint32_t> keys;
    for (uint32_t q = 0; q < blocks; ++q) {
      sample.row(q, keys);
      for (uint32_t k : keys)
        matrix[size_t(q) * blocks + k] = 1;
    }
  }

  size_t bytes() const override { return matrix.size(); }

  uint32_t row(uint32_t q, uint32_t *out) const override {
    const uint8_t *row = rowOf(q);
    return list([row](uint32_t k) { return load(row + k); }, [row](uint32_t k) { return row[k]; }, out);
  }

  uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const override {
    const uint8_t *a = rowOf(q1), *b = rowOf(q2);
    return list([=](uint32_t k) { return load(a + k) & load(b + k); }, [=](uint32_t k) { return a[k] & b[k]; }, out);
  }

  void exportAll(uint32_t *offsets, uint16_t *out) const override {
    uint32_t sum = 0;
    for (uint32_t q = 0; q < blocks; ++q) {
      const uint8_t *row = rowOf(q);
      offsets[q] = sum;
      sum += list([row](uint32_t k) { return load(row + k); }, [row](uint32_t k) { return row[k]; }, out + sum);
    }
    offsets[blocks] = sum;
  }

private:
  const uint8_t *rowOf(uint32_t q) const { return matrix.data() + size_t(q) * blocks; }

  static uint64_t load(const uint8_t *bytes) {
    uint64_t eight;
    std::memcpy(&eight, bytes, sizeof(eight));
    return eight;
  }

  /// Lists where bytes are 1, eight at a time.
  template <typename Eight, typename One, typename Key>
  uint32_t list(const Eight &eightAt, const One &oneAt, Key *out) const {
    Key *next = out;
    uint32_t k = 0;
    for (; k + 8 <= blocks; k += 8)
      for (uint64_t eight = eightAt(k); eight != 0; eight &= eight - 1)
        *next++ = static_cast<Key>(k + static_cast<uint32_t>(__builtin_ctzll(eight)) / 8);
    for (; k < blocks; ++k)
      if (oneAt(k))
        *next++ = static_cast<Key>(k);
    return static_cast<uint32_t>(next - out);
  }

  uint32_t blocks;
  std::vector<uint8_t> matrix;
};

/// Compressed rows.
template <typename Key> class CsrForm final : public MaskForm {
public:
  explicit CsrForm(const MaskSample &sample) {
    std::vector<uint32_t> row;
    for (uint32_t q = 0; q < sample.shape().blocks; ++q) {
      sample.row(q, row);
      starts.push_back(static_cast<uint32_t>(keys.size()));
      keys.insert(keys.end(), row.begin(), row.end());
    }
    starts.push_back(static_cast<uint32_t>(keys.size()));
    keys.shrink_to_fit();
  }

  size_t bytes() const override { return keys.size() * sizeof(Key) + starts.size() * sizeof(uint32_t); }

  uint32_t row(uint32_t q, uint32_t *out) const override {
    std::copy(keys.begin() + starts[q], keys.begin() + starts[q + 1], out);
    return starts[q + 1] - starts[q];
  }

  uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const override {
    return intersectLists(&keys[starts[q1]], &keys[starts[q1 + 1]], &keys[starts[q2]], &keys[starts[q2 + 1]], out);
  }

  void exportAll(uint32_t *offsets, uint16_t *out) const override {
    std::copy(starts.begin(), starts.end(), offsets);
    std::copy(keys.begin(), keys.end(), out);
  }

private:
  std::vector<uint32_t> starts;
  std::vector<Key> keys;
};

/// Coordinates, sorted by query, then key.
class CooForm final : public MaskForm {
public:
  explicit CooForm(const MaskSample &sample) : blocks(sample.shape().blocks) {
    std::vector<uint32_t> row;
    for (uint32_t q = 0; q < blocks; ++q) {
      sample.row(q, row);
      queries.insert(queries.end(), row.size(), q);
      keys.insert(keys.end(), row.begin(), row.end());
    }
    queries.shrink_to_fit();
    keys.shrink_to_fit();
  }

  size_t bytes() const override { return 2 * keys.size() * sizeof(uint32_t); }

  uint32_t row(uint32_t q, uint32_t *out) const override {
    auto [first, past] = rowOf(q);
    std::copy(first, past, out);
    return static_cast<uint32_t>(past - first);
  }

  uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const override {
    auto [firstA, pastA] = rowOf(q1);
    auto [firstB, pastB] = rowOf(q2);
    return intersectLists(firstA, pastA, firstB, pastB, out);
  }

  void exportAll(uint32_t *offsets, uint16_t *out) const override {
    size_t i = 0;
    for (uint32_t q = 0; q < blocks; ++q) {
      offsets[q] = static_cast<uint32_t>(i);
      for (; i < keys.size() && queries[i] == q; ++i)
        out[i] = static_cast<uint16_t>(keys[i]);
    }
    offsets[blocks] = static_cast<uint32_t>(i);
  }

private:
  std::pair<const uint32_t *, const uint32_t *> rowOf(uint32_t q) const {
    auto [first, past] = std::equal_range(queries.begin(), queries.end(), q);
    return {keys.data() + (first - queries.begin()), keys.data() + (past - queries.begin())};
  }

  uint32_t blocks;
  std::vector<uint32_t> queries, keys;
};

template <typename Form> MaskFormKind kind(const std::string &name, uint64_t bytesPerPair) {
  auto make = [](const MaskSample &sample) -> std::unique_ptr<MaskForm> { return std::make_unique<Form>(sample); };
  auto bytes = [bytesPerPair](const MaskShape &shape) {
    return uint64_t(shape.blocks) * (shape.window + shape.global + shape.randomKeys) * bytesPerPair;
  };
  return {name, make, bytes};
}

} // namespace

std::vector<MaskFormKind> plainForms() {
  MaskFormKind dense = kind<DenseForm>("dense bool", 0);
  dense.bytes = [](const MaskShape &shape) { return uint64_t(shape.blocks) * shape.blocks; };
  return {dense, kind<CooForm>("COO, 2 x 32 bits", 8), kind<CsrForm<uint32_t>>("CSR, 32 bits", 4),
          kind<CsrForm<uint16_t>>("CSR, 16 bits", 2)};
}

} // namespace sparse_attn::bench
