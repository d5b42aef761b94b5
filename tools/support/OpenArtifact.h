//===- OpenArtifact.h - Artifacts, and modules compiled into one ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_OPENARTIFACT_H
#define SPARSE_ATTN_SUPPORT_OPENARTIFACT_H

#include "sparse_attn/Artifact.h"
#include "sparse_attn/Manifest.h"

#include <memory>
#include <string>
#include <vector>

namespace sparse_attn::tools {

/// Opens an artifact, or compiles a module (.mlir) with `compileFlags` and opens what comes of it. Throws an InputError
/// where that fails, and where flags are given for an artifact.
std::shared_ptr<const Artifact> openArtifact(const std::string &path, const std::vector<std::string> &compileFlags);

/// The function of that name, or the only one where the name is empty. Throws an InputError that lists them.
const FunctionInfo &findFunction(const Manifest &manifest, const std::string &name);

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_OPENARTIFACT_H
