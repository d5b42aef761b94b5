//===- CacheKey.cpp - What the rows of a step follow from -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CacheKey.h"

#include "CapturedContent.h"
#include "serving/SipHash.h"

#include <random>

namespace sparse_attn {

namespace {

/// Drawn once for a process, so that nobody can prepare arrays whose hashes agree.
serving::SipValue processKey() {
  static const serving::SipValue key = [] {
    std::random_device device;
    auto word = [&] { return uint64_t(device()) << 32 | device(); };
    return serving::SipValue{word(), word()};
  }();
  return key;
}

enum class Field : uint64_t { Scalar, Version, Array, Masks };

} // namespace

CacheKey::CacheKey(const Artifact &artifact, const KernelInfo &kernel, const Variant &variant, const Shape &query,
                   const Shape &key) {
  add(artifact.id());
  add(artifact.manifest().target);
  add(kernel.name);
  add(variant.level);
  add(static_cast<uint64_t>(variant.tileQ));
  add(static_cast<uint64_t>(variant.tileK));
  add(query);
  add(key);
}

void CacheKey::add(uint64_t word) { text.append(reinterpret_cast<const char *>(&word), sizeof(word)); }

void CacheKey::add(const std::string &field) {
  add(uint64_t(field.size()));
  text += field;
}

void CacheKey::add(const Shape &shape) {
  add(static_cast<uint64_t>(shape.rank));
  for (int32_t i = 0; i < shape.rank; ++i)
    add(static_cast<uint64_t>(shape.size[i]));
}

bool CacheKey::addVersion(std::optional<uint64_t> version) {
  if (!version)
    return false;
  add(static_cast<uint64_t>(Field::Version));
  add(*version);
  return true;
}

void CacheKey::addScalar(int64_t value) {
  add(static_cast<uint64_t>(Field::Scalar));
  add(static_cast<uint64_t>(value));
}

/// Rows are hashed one by one, so that strides do not matter.
void CacheKey::addArray(const Value &array, std::optional<uint64_t> version) {
  add(shapeOf(array));
  if (addVersion(version))
    return;
  add(static_cast<uint64_t>(Field::Array));
  auto addRow = [&](const void *elements, int64_t count) {
    size_t bytes = static_cast<size_t>(count * elementBytes(static_cast<DType>(array.dtype)));
    serving::SipValue hash = serving::sipHash(processKey(), static_cast<const uint8_t *>(elements), bytes);
    add(hash.low);
    add(hash.high);
  };
  visitRows(array, addRow);
}

void CacheKey::addMasks(const StepMask &masks, std::optional<uint64_t> version) {
  add(static_cast<uint64_t>(masks.batches));
  add(static_cast<uint64_t>(masks.heads));
  if (addVersion(version))
    return;
  add(static_cast<uint64_t>(Field::Masks));
  for (const BlockMask &mask : masks.masks) {
    ContentHash hash = mask.contentHash();
    add(hash.low);
    add(hash.high);
  }
}

} // namespace sparse_attn
