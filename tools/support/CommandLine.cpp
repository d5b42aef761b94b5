//===- CommandLine.cpp - Options of the command line tools ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/CommandLine.h"

#include <iomanip>
#include <locale>
#include <sstream>

namespace sparse_attn::tools {

std::pair<std::string, std::string> splitAssignment(const std::string &what, const std::string &text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    fail(what, " expects NAME=VALUE, but got '", text, "'");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double parseShare(const std::string &what, const std::string &text) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  double value = 0;
  if (!(stream >> value) || !stream.eof() || !(value > 0 && value <= 1))
    fail(what, " expects a number above 0 and up to 1, but got '", text, "'");
  return value;
}

std::string helpLine(const std::string &left, const std::string &help) {
  constexpr int column = 24;
  std::ostringstream line;
  line << std::left << std::setw(column) << "  " + left;
  if (left.size() + 2 >= column)
    line << '\n' << std::string(column, ' ');
  line << help << '\n';
  return line.str();
}

std::string describeOption(const char *name, const char *metavar) {
  if (!metavar)
    return name;
  return std::string(name) + (name[1] == '-' ? "=" : " ") + metavar;
}

} // namespace sparse_attn::tools
