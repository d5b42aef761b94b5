//===- Bench.cpp - The sections of the benchmark --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <algorithm>
#include <cctype>

namespace sparse_attn::bench {

namespace {

bool contains(const std::string &text, const std::string &part) {
  auto equal = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), equal) != text.end() || part.empty();
}

} // namespace

bool Bench::selects(const std::string &name) const { return contains(section, only) || contains(name, only); }

void Bench::beginSection(const std::string &title) {
  section = title;
  printed = false;
}

void Bench::row(const std::string &name, const std::function<void(Row &)> &measureRow) {
  if (!selects(name))
    return;
  if (!printed)
    table.beginSection(section);
  printed = true;
  Row row;
  row.name = name;
  try {
    measureRow(row);
  } catch (const Error &error) {
    row.failure = error.what();
  }
  table.add(row);
}

} // namespace sparse_attn::bench
