//===- Show.cpp - The command show ----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Picture.h"

#include "support/InputError.h"

#include <iostream>

namespace sparse_attn::tools::mask {

namespace {

/// Wider and higher pictures do not fit a terminal.
constexpr uint32_t maxSide = 128;

void drawRows(std::ostream &stream, const Picture &picture) {
  for (uint32_t row = 0; row < picture.rows(); ++row) {
    std::string line;
    for (uint32_t column = 0; column < picture.columns(); ++column) {
      const Cell &cell = picture.cell(row, column);
      line += cell.full ? '#' : cell.partial ? '+' : '.';
    }
    stream << line << '\n';
  }
}

void printCounts(std::ostream &stream, const Picture &picture, bool knowsPartial) {
  stream << picture.full() << " full (#), ";
  if (knowsPartial)
    stream << picture.partial() << " partial (+), ";
  stream << picture.empty() << " empty (.): " << percentage(picture.full() + picture.partial(), picture.blocks())
         << " read\n";
}

} // namespace

ExitCode show(const Options &options) {
  Subject subject = readSubject(options);
  const BlockGrid &grid = subject.read.grid();
  if (grid.queryBlocks > maxSide || grid.keyBlocks > maxSide)
    fail("show expects at most ", maxSide, " x ", maxSide, " blocks, but got ", grid.queryBlocks, " x ", grid.keyBlocks,
         "; plot draws larger ones");
  Picture picture(subject, maxSide);
  std::cout << subject.title << "\n" << grid << '\n';
  drawRows(std::cout, picture);
  printCounts(std::cout, picture, subject.partial.has_value());
  if (subject.overestimated)
    std::cout << "the listing of blocks stopped early; more are read than need be\n";
  return Success;
}

} // namespace sparse_attn::tools::mask
