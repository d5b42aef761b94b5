//===- ArgumentBlock.cpp - The words an entry receives --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArgumentBlock.h"

#include <algorithm>

namespace sparse_attn {

/// What kernels read of an empty captured array.
static const int32_t zeroElement = 0;

static size_t captureWords(const CaptureInfo &capture) {
  switch (capture.kind) {
  case ArgumentKind::Array:
    return arrayWords(static_cast<size_t>(capture.rank));
  case ArgumentKind::Scalar:
    return 1;
  case ArgumentKind::Mask:
    break;
  }
  return pyramidWords;
}

BlockLayout::BlockLayout(const KernelInfo &kernel) {
  words = 0;
  auto take = [this](size_t count) {
    size_t first = words;
    words += count;
    return first;
  };
  query = take(arrayWords(4));
  key = take(arrayWords(4));
  value = take(arrayWords(4));
  for (const CaptureInfo &capture : kernel.captures)
    captures.push_back(take(captureWords(capture)));
  sequences = take(kernel.sequences ? arrayWords(2) : 0);
  resumes = kernel.resumes;
  partialOutput = take(resumes ? arrayWords(4) : 0);
  partialLse = take(resumes ? arrayWords(3) : 0);
  output = take(arrayWords(4));
  hasLse = kernel.lse;
  lse = take(kernel.lse ? arrayWords(3) : 0);
  bool hasMasks = std::any_of(kernel.captures.begin(), kernel.captures.end(),
                              [](const CaptureInfo &capture) { return capture.kind == ArgumentKind::Mask; });
  bool isListed = kernel.schedule == KernelInfo::Schedule::Listed;
  lists = take(isListed ? listWords + (hasMasks ? maskListWords : 0) : 0);
  for (const CaptureInfo &capture : kernel.captures)
    pyramids.push_back(take(capture.pyramid ? pyramidWords : 0));
  device = take(kernel.isForGpu() ? size_t(deviceWords) : 0);
}

void writeValue(uint64_t *words, const Value &value) {
  if (value.rank == 0) {
    words[0] = static_cast<uint64_t>(value.scalar);
    return;
  }
  words[0] = addressWord(value.data);
  for (int32_t i = 0; i < value.rank; ++i) {
    words[1 + i] = static_cast<uint64_t>(value.size[i]);
    words[1 + value.rank + i] = static_cast<uint64_t>(value.stride[i]);
  }
}

void writeArrays(uint64_t *block, const BlockLayout &layout, const StepArrays &arrays) {
  writeValue(block + layout.query, arrays.query);
  writeValue(block + layout.key, arrays.key);
  writeValue(block + layout.value, arrays.value);
  if (layout.resumes) {
    writeValue(block + layout.partialOutput, arrays.partialOutput);
    writeValue(block + layout.partialLse, arrays.partialLse);
  }
  writeValue(block + layout.output, arrays.output);
  if (layout.hasLse)
    writeValue(block + layout.lse, arrays.lse);
}

void writeCapture(uint64_t *words, const Value &value) {
  writeValue(words, value);
  const int64_t *sizesEnd = value.size + value.rank;
  if (std::find(value.size, sizesEnd, 0) == sizesEnd)
    return;
  // Whatever is read of it is the element at 0 in every dimension, also in those that have a size.
  words[0] = addressWord(&zeroElement);
  std::fill_n(words + 1, 2 * value.rank, 0);
}

} // namespace sparse_attn
