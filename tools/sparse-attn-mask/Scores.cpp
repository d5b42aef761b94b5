//===- Scores.cpp - Scores of blocks from queries and keys ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "FromScores.h"
#include "MaskFiles.h"

#include "support/Array.h"
#include "support/Check.h"
#include "support/Npy.h"
#include "support/NpyReader.h"

#include "sparse_attn/BlockScores.h"

#include <algorithm>

namespace sparse_attn::tools::mask {

namespace {

/// An array [batch, heads, length, head size] of floating-point numbers, in the type of the file.
Array readTensor(const std::string &path) {
  std::string descriptor = NpyReader(path).descriptor();
  std::optional<DType> dtype = scoreType(descriptor);
  if (!dtype)
    fail(path, ": expects float32, float16 or bfloat16, but got ", numpyName(descriptor));
  Array array = readNpy(path, *dtype);
  if (array.shape().rank != 4)
    fail(path, ": expects an array [batch, heads, length, head size], but got shape ", array.shape());
  return array;
}

} // namespace

ExitCode scores(const Options &options) {
  AtomicFile file(onlyOutput(options));
  if (!options.block)
    fail("expects --block=B or --block=BQxBK");
  Array query = readTensor(options.inputs[0]), key = readTensor(options.inputs[1]);
  BlockScoreOptions how;
  how.method = options.method;
  how.queryBlockSize = options.block->queries;
  how.keyBlockSize = options.block->keys;
  how.causal = options.topK.causal;
  BlockScores found = valueOf(scoreBlocks(query.view(), key.view(), how));
  Array array(DType::F32, found.shape);
  std::copy(found.scores.begin(), found.scores.end(), array.data<float>());
  writeNpy(file, array);
  file.commit();
  return Success;
}

} // namespace sparse_attn::tools::mask
