//===- NpyOutput.cpp - .npy files written as their data comes -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NpyOutput.h"

#include "support/NpyHeader.h"

namespace sparse_attn::tools::mask {

/// Bytes that are written at once.
static constexpr size_t chunk = 1 << 20;

void NpyOutput::begin(const char *descriptor, const std::vector<int64_t> &sizes) {
  NpyHeader header;
  header.descriptor = descriptor;
  header.sizes = sizes;
  std::string text = makeNpyHeader(header);
  append(text.data(), text.size());
}

void NpyOutput::append(const void *data, size_t bytes) {
  const char *begin = static_cast<const char *>(data);
  pending.insert(pending.end(), begin, begin + bytes);
  if (pending.size() < chunk)
    return;
  file.write(pending.data(), pending.size());
  pending.clear();
}

void NpyOutput::commit() {
  file.write(pending.data(), pending.size());
  file.commit();
}

} // namespace sparse_attn::tools::mask
