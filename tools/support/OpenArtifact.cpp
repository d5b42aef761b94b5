//===- OpenArtifact.cpp - Artifacts, and modules compiled into one --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/OpenArtifact.h"

#include "support/Check.h"
#include "support/CompileModule.h"

namespace sparse_attn::tools {

std::shared_ptr<const Artifact> openArtifact(const std::string &path, const std::vector<std::string> &compileFlags) {
  if (!isModule(path)) {
    if (!compileFlags.empty())
      fail(compileFlags.front(), " expects a module (.mlir) to compile, but got ", path);
    return valueOf(Artifact::open(path));
  }
  TemporaryArtifact compiled(path, compileFlags);
  return valueOf(Artifact::open(compiled.path()));
}

const FunctionInfo &findFunction(const Manifest &manifest, const std::string &name) {
  if (name.empty() && manifest.functions.size() == 1)
    return manifest.functions.front();
  if (const FunctionInfo *function = manifest.findFunction(name))
    return *function;
  std::string names;
  for (const FunctionInfo &function : manifest.functions)
    names += (names.empty() ? "'" : ", '") + function.name + "'";
  if (name.empty())
    fail("--function expects one of ", names);
  fail("--function expects one of ", names, ", but got '", name, "'");
}

} // namespace sparse_attn::tools
