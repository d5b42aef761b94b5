//===- Plot.cpp - The command plot ----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "MaskFiles.h"
#include "Svg.h"

namespace sparse_attn::tools::mask {

ExitCode plot(const Options &options) {
  AtomicFile file(onlyOutput(options));
  Subject subject = readSubject(options);
  Picture picture(subject, options.cells);
  file.write(options.bare ? toBareSvg(subject, picture) : toSvg(subject, picture));
  file.commit();
  return Success;
}

} // namespace sparse_attn::tools::mask
