//===- CompileModule.h - Compiles a module into a temporary artifact -------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_COMPILEMODULE_H
#define SPARSE_ATTN_SUPPORT_COMPILEMODULE_H

#include <string>
#include <vector>

namespace sparse_attn::tools {

/// An artifact in a folder of its own that goes away with this object.
class TemporaryArtifact {
public:
  /// Runs the sparse-attn-compile beside this program on a module, for this machine's CPU unless `flags` have a
  /// --target. Its diagnostics go to the standard error stream.
  /// Throws an InputError where it cannot be run or fails.
  TemporaryArtifact(const std::string &module, const std::vector<std::string> &flags);
  ~TemporaryArtifact();
  TemporaryArtifact(const TemporaryArtifact &) = delete;
  TemporaryArtifact &operator=(const TemporaryArtifact &) = delete;

  const std::string &path() const { return artifact; }

private:
  std::string folder, artifact;
};

/// Whether a file is a module to compile, by its name.
bool isModule(const std::string &path);

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_COMPILEMODULE_H
