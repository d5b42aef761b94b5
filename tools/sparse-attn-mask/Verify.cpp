//===- Verify.cpp - The command verify ------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "sparse_attn/MaskFile.h"

#include <iostream>

namespace sparse_attn::tools::mask {

ExitCode verify(const Options &options) {
  ExitCode code = Success;
  for (const std::string &path : options.inputs) {
    Result<BlockMask> mask = loadMask(path);
    if (mask.isOk()) {
      std::cout << path << ": good: " << mask->grid() << ", " << mask->count() << " pairs" << std::endl;
      continue;
    }
    std::cerr << "sparse-attn-mask: error: " << mask.status().message() << std::endl;
    code = Refused;
  }
  return code;
}

} // namespace sparse_attn::tools::mask
