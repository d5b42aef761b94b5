//===- Compiler.h - Runs sparse-attn-compile ------------------ -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_COMPILER_H
#define SPARSE_ATTN_BENCH_COMPILER_H

#include "sparse_attn/Artifact.h"

#include <map>
#include <memory>
#include <string>

namespace sparse_attn::bench {

/// How long a child process took, in seconds.
struct ChildTime {
  double cpu = 0; ///< User and system time, its own children included.
  double wall = 0;
};

/// Runs a program and waits for it. Its standard error goes to ours. Throws an Error where it fails.
ChildTime runProgram(const std::vector<std::string> &command);
/// As above, and what it printed.
std::string outputOf(const std::vector<std::string> &command);

/// Compiles modules into a folder of its own that goes away with this object.
class Compiler {
public:
  /// `program` is a sparse-attn-compile; the one beside this program if empty.
  explicit Compiler(std::string program);
  ~Compiler();
  Compiler(const Compiler &) = delete;
  Compiler &operator=(const Compiler &) = delete;

  /// The path of the artifact of a module for one CPU level, for instance "native". Modules are compiled once.
  std::string compile(const std::string &module, const std::string &level);
  std::shared_ptr<const Artifact> open(const std::string &module, const std::string &level);

  /// Compiles a file into a shared library and tells how long that took.
  ChildTime time(const std::string &path, const std::string &level);

private:
  std::string program, folder;
  std::map<std::string, std::string> artifacts; ///< Paths, by level and module.
};

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_COMPILER_H
