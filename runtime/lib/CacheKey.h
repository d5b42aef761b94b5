//===- CacheKey.h - What the rows of a step follow from -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CACHEKEY_H
#define SPARSE_ATTN_LIB_CACHEKEY_H

#include "RowMasks.h"
#include "sparse_attn/Artifact.h"
#include "sparse_attn/Value.h"

#include <optional>
#include <string>

namespace sparse_attn {

/// The bytes of a key, field by field; no two lists of fields give the same bytes.
class CacheKey {
public:
  CacheKey(const Artifact &artifact, const KernelInfo &kernel, const Variant &variant, const Shape &query,
           const Shape &key);

  /// Adds a captured number.
  void addScalar(int64_t value);
  /// Adds a captured array or table of masks: by its version where there is one, else by what it holds.
  void addArray(const Value &array, std::optional<uint64_t> version);
  void addMasks(const StepMask &masks, std::optional<uint64_t> version);

  const std::string &bytes() const { return text; }

private:
  void add(uint64_t word);
  void add(const std::string &field);
  void add(const Shape &shape);
  /// True if there was a version.
  bool addVersion(std::optional<uint64_t> version);

  std::string text;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CACHEKEY_H
