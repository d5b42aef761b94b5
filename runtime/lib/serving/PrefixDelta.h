//===- PrefixDelta.h - Words of nodes as bytes ----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format of PrefixIndex::diff. What is read may come from anybody, and is
// checked to the last byte before anybody gets to see it.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SERVING_PREFIXDELTA_H
#define SPARSE_ATTN_LIB_SERVING_PREFIXDELTA_H

#include "serving/SipHash.h"
#include "sparse_attn/PrefixIndex.h"

#include <vector>

namespace sparse_attn::serving {

/// What a node says of one of its blocks.
struct Word {
  uint64_t sequence = 0; ///< From 1 on, in the order in which it was said.
  uint32_t block = 0;
  bool isHeld = false; ///< Or evicted.
  PrefixHash hash;     ///< 0 where evicted.
};

/// Words of one node. With what it said up to `since`, they are all that it said up to `version`, but for what it
/// replaced since; they may include later ones.
struct DeltaSection {
  uint32_t node = 0;
  uint64_t epoch = 0;
  uint64_t since = 0;
  uint64_t version = 0;
  std::vector<Word> words; ///< Ascending.
};

/// What both ends must agree in.
struct DeltaFormat {
  uint32_t blockTokens;
  uint32_t maxBlocks;
  uint64_t keyCheck; ///< Tells keys apart, and nothing about them.
  SipValue key;
};

std::vector<uint8_t> writeDelta(const DeltaFormat &format, const std::vector<DeltaSection> &sections);

/// Errors: as `PrefixIndex::apply`, but for what the state of an index decides.
Result<std::vector<DeltaSection>> readDelta(const DeltaFormat &format, const uint8_t *bytes, size_t size);

} // namespace sparse_attn::serving

#endif // SPARSE_ATTN_LIB_SERVING_PREFIXDELTA_H
