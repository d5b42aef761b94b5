//===- MaskFiles.cpp - Reading and writing mask files ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskFiles.h"

#include "sparse_attn/MaskFile.h"
#include "support/Check.h"

#include <vector>

namespace sparse_attn::tools::mask {

FreezeOptions freezeOptions(const Options &options) {
  return {options.representation.value_or(Representation::TermsAndRows), options.threads};
}

BlockMask readMask(const std::string &path, const FreezeOptions &options) {
  MaskLoadOptions load;
  load.freeze = options;
  return valueOf(loadMask(path, load));
}

void writeMask(AtomicFile &file, const BlockMask &mask) {
  std::vector<uint8_t> bytes;
  check(saveMask(mask, bytes));
  file.write(bytes.data(), bytes.size());
  file.commit();
}

const std::string &onlyOutput(const Options &options) {
  if (options.outputs.size() != 1)
    fail("expects one -o FILE, but got ", options.outputs.size());
  return options.outputs.front();
}

} // namespace sparse_attn::tools::mask
