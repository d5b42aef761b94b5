//===- Table.cpp - Figures and the bars they are held against -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include "Error.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sparse_attn::bench {

namespace {

constexpr const char *lineFormat = "  %-37s %-17s %-27s %10s  %-12s %-6s %s\n";

std::string show(double figure, const std::string &unit) {
  if (unit == "%")
    return format(100 * figure, 1, " %");
  return format(figure, 2, unit.empty() || unit == "x" ? unit : " " + unit);
}

std::string show(const Bar &bar, const std::string &unit) {
  if (bar.atLeast && bar.atMost)
    return show(*bar.atLeast, "") + " to " + show(*bar.atMost, "");
  if (bar.atLeast)
    return ">= " + show(*bar.atLeast, unit);
  return bar.atMost ? "<= " + show(*bar.atMost, unit) : "";
}

const char *verdict(const Row &row) {
  if (!row.failure.empty())
    return "ERROR";
  return !row.bar.any() ? "" : row.bar.holds(row.figure) ? "pass" : "FAIL";
}

void print(const Row &row) {
  if (!row.failure.empty())
    std::printf("  %-37s ERROR: %s\n", row.name.c_str(), row.failure.c_str());
  else
    std::printf(lineFormat, row.name.c_str(), row.measured.c_str(), row.reference.c_str(),
                show(row.figure, row.unit).c_str(), show(row.bar, row.unit).c_str(), verdict(row), row.note.c_str());
  std::fflush(stdout);
}

nlohmann::json toJson(const std::string &section, const Row &row) {
  nlohmann::json json = {{"section", section}, {"name", row.name}};
  if (!row.failure.empty()) {
    json["error"] = row.failure;
    return json;
  }
  json.update({{"measured", row.measured}, {"reference", row.reference}, {"figure", row.figure}, {"unit", row.unit}});
  if (row.bar.atLeast)
    json["at_least"] = *row.bar.atLeast;
  if (row.bar.atMost)
    json["at_most"] = *row.bar.atMost;
  if (row.bar.any())
    json["pass"] = row.bar.holds(row.figure);
  if (!row.note.empty())
    json["note"] = row.note;
  return json;
}

} // namespace

std::string format(double number, int digits, const std::string &unit) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, number);
  return text + unit;
}

void Table::beginSection(const std::string &title) {
  sections.push_back({title, {}});
  std::printf("\n%s\n", title.c_str());
  std::printf(lineFormat, "", "measured", "against", "figure", "bar", "", "");
}

void Table::add(Row row) {
  print(row);
  sections.back().rows.push_back(std::move(row));
}

void Table::printSummary() const {
  int bars = 0, met = 0;
  std::string missed;
  for (const Section &section : sections)
    for (const Row &row : section.rows) {
      if (!row.bar.any() && row.failure.empty())
        continue;
      bool holds = row.failure.empty() && row.bar.holds(row.figure);
      ++bars;
      met += holds;
      missed += holds ? "" : "\n  missed: " + section.title + ": " + row.name;
    }
  std::printf("\n%d of %d bars met%s\n", met, bars, missed.c_str());
}

void Table::writeJson(const std::string &path, bool quick) const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Section &section : sections)
    for (const Row &row : section.rows)
      rows.push_back(toJson(section.title, row));
  std::ofstream file(path);
  file << nlohmann::json{{"quick", quick}, {"rows", rows}}.dump(2) << "\n";
  if (!file.flush())
    fail("cannot write ", path);
}

} // namespace sparse_attn::bench
