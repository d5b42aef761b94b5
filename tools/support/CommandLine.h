//===- CommandLine.h - Options of the command line tools ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_COMMANDLINE_H
#define SPARSE_ATTN_SUPPORT_COMMANDLINE_H

#include "support/InputError.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace sparse_attn::tools {

/// `text` as an integer; `what` names the option in errors.
template <typename T>
T parseInteger(const std::string &what, const std::string &text, T low, T high = std::numeric_limits<T>::max()) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    fail(what, " expects an integer from ", low, " to ", high, ", but got '", text, "'");
  return value;
}

/// "name=value" in two; `what` names the option in errors.
std::pair<std::string, std::string> splitAssignment(const std::string &what, const std::string &text);

/// `text` as a number above 0 and up to 1; `what` names the option in errors.
double parseShare(const std::string &what, const std::string &text);

/// One option: how it is written, what it does, how it changes Options. Options without metavar take no value.
template <typename Options> struct Option {
  const char *name, *metavar, *help;
  void (*apply)(Options &options, const std::string &value);
};

/// What a command line asks for.
enum class Request { Work, Help, Version };

/// What was read of a command line.
struct CommandLine {
  Request request = Request::Work;
  std::vector<std::string> given; ///< Names of the options.
};

/// One line of a help text, or two where `left` is long.
std::string helpLine(const std::string &left, const std::string &help);

/// The left column of the help for an option.
std::string describeOption(const char *name, const char *metavar);

/// Reads a command line by a table of options, as --name=value or --name value. What is no option is passed to
/// `addArgument(options, text)`. Ends at --help or --version; `hint` says where the options are listed. Throws an
/// InputError that names the option.
template <typename Options, typename AddArgument>
CommandLine parseCommandLine(const std::vector<std::string> &words, const std::vector<Option<Options>> &table,
                             const std::string &hint, Options &options, AddArgument &&addArgument) {
  CommandLine line;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i];
    if (word == "--help" || word == "-h")
      line.request = Request::Help;
    if (word == "--version")
      line.request = Request::Version;
    if (line.request != Request::Work)
      break;
    if (word.empty() || word[0] != '-') {
      addArgument(options, word);
      continue;
    }
    size_t equals = word.find('=');
    auto option = std::find_if(table.begin(), table.end(),
                               [name = word.substr(0, equals)](const Option<Options> &o) { return name == o.name; });
    if (option == table.end())
      fail("unknown option '", word.substr(0, equals), "'; ", hint, " lists all");
    bool inlineValue = equals != std::string::npos;
    if (!option->metavar && inlineValue)
      fail(option->name, " expects no value, but got '", word.substr(equals + 1), "'");
    if (option->metavar && !inlineValue && i + 1 == words.size())
      fail(option->name, " expects a value");
    option->apply(options, !option->metavar ? "" : inlineValue ? word.substr(equals + 1) : words[++i]);
    line.given.push_back(option->name);
  }
  return line;
}

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_COMMANDLINE_H
