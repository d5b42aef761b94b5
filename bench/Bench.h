//===- Bench.h - The sections of the benchmark ---------------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_BENCH_H
#define SPARSE_ATTN_BENCH_BENCH_H

#include "Compiler.h"
#include "Error.h"
#include "Table.h"
#include "Timing.h"

#include <functional>
#include <string>

namespace sparse_attn::bench {

/// What every section gets.
class Bench {
public:
  Bench(Compiler &compiler, Table &table, std::string only, bool quick)
      : compiler(compiler), table(table), quick(quick), only(std::move(only)) {}

  /// Names the section of the rows to come; its title is printed with its first row.
  void beginSection(const std::string &title);
  /// Adds the row that `measureRow` fills in, or its failure, if the row is selected.
  void row(const std::string &name, const std::function<void(Row &)> &measureRow);
  /// Whether the name of a row, or the title of its section, has the text that was asked for.
  bool selects(const std::string &name) const;

  Effort effort() const { return quick ? Effort{3, 0.1} : Effort{9, 1.0}; }

  Compiler &compiler;
  Table &table;
  const bool quick; ///< Fewer repeats, and the long rows left out.

private:
  const std::string only;
  std::string section;
  bool printed = false;
};

/// Speed on active pairs against the FMA peak.
void benchThroughput(Bench &bench);
/// Two threads against one.
void benchThreads(Bench &bench);
/// The time of sparse patterns against the share of the dense time that their tiles are.
void benchSkipping(Bench &bench);
/// Dilated windows against the peak, and against the same with masks.
void benchDilation(Bench &bench);
/// Peak memory and linearity up to a million tokens.
void benchScale(Bench &bench);
/// Listing the tiles of captured documents in `prepare`.
void benchDescent(Bench &bench);
/// Kernels, plans and launches with masks known only at run time.
void benchBlockMasks(Bench &bench);
/// From .mlir to .so.
void benchCompiling(Bench &bench);

/// Runs in a process of its own: allocates arrays, then prepares and launches an artifact, and prints by how many bytes
/// that raised the peak of the resident memory above that of the arrays, and the bytes of the workspace.
int measureMemory(const std::string &artifact, const std::string &dtype, int64_t length);

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_BENCH_H
