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
struct Bench {
  Compiler &compiler;
  Table &table;
  std::string only; ///< Rows whose section or name contains this are measured; all if empty.
  bool quick;       ///< Fewer repeats, and the long rows left out.

  Effort effort() const { return quick ? Effort{3, 0.1} : Effort{9, 1.0}; }

  /// Whether `only` selects a row of the section that was begun last.
  bool selects(const std::string &row) const {
    return section.find(only) != std::string::npos || row.find(only) != std::string::npos;
  }

  /// Names the section of the rows to come; its title is printed with its first row.
  void beginSection(const std::string &title) {
    section = title;
    printed = false;
  }

  /// Adds the row that `measureRow` fills in, or its failure, if the row is selected.
  void row(const std::string &name, const std::function<void(Row &)> &measureRow) {
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

private:
  std::string section;
  bool printed = false;

public:
  Bench(Compiler &compiler, Table &table, std::string only, bool quick)
      : compiler(compiler), table(table), only(std::move(only)), quick(quick) {}
};

/// Speed on active pairs against the FMA peak.
void benchThroughput(Bench &bench);
/// Two threads against one.
void benchThreads(Bench &bench);
/// The time of sparse patterns against the share of the dense time that their tiles are.
void benchSkipping(Bench &bench);
/// Peak memory and linearity up to a million tokens.
void benchScale(Bench &bench);
/// Listing the tiles of captured documents in `prepare`.
void benchDescent(Bench &bench);
/// From .mlir to .so.
void benchCompiling(Bench &bench);

/// Runs in a process of its own: allocates arrays, then prepares and launches an artifact, and prints by how many bytes
/// that raised the peak of the resident memory above that of the arrays, and the bytes of the workspace.
int measureMemory(const std::string &artifact, const std::string &dtype, int64_t length);

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_BENCH_H
