//===- Table.h - Figures and the bars they are held against --- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_TABLE_H
#define SPARSE_ATTN_BENCH_TABLE_H

#include <optional>
#include <string>
#include <vector>

namespace sparse_attn::bench {

/// A figure within [atLeast, atMost], where given, passes.
struct Bar {
  std::optional<double> atLeast, atMost;

  bool any() const { return atLeast || atMost; }
  bool holds(double figure) const { return !(atLeast && figure < *atLeast) && !(atMost && figure > *atMost); }
};

/// One line of the table. `figure` is what the bar is about; the rest tells where it comes from.
struct Row {
  std::string name;
  std::string measured;  ///< For instance "215.3 GFLOP/s".
  std::string reference; ///< What that is compared with, for instance "peak 256.1 (512 bits)".
  double figure = 0;
  std::string unit; ///< "%" shows the figure as a percentage.
  Bar bar;
  std::string note;
  std::string failure; ///< If not empty, nothing was measured.
};

/// Prints rows as they come.
class Table {
public:
  void beginSection(const std::string &title);
  void add(Row row);
  /// How many bars are met, and which are not.
  void printSummary() const;
  /// Throws an Error where the file cannot be written.
  void writeJson(const std::string &path, bool quick) const;

private:
  struct Section {
    std::string title;
    std::vector<Row> rows;
  };
  std::vector<Section> sections;
};

/// A number with `digits` behind the point, and a unit.
std::string format(double number, int digits, const std::string &unit);

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_TABLE_H
