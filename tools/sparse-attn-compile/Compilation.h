//===- Compilation.h - From a module to the parts of an artifact *- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_TOOLS_COMPILE_COMPILATION_H
#define SPARSE_ATTN_TOOLS_COMPILE_COMPILATION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/cpu/Target.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/JSON.h"
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mlir::sparse_attn::compile {

/// What the user asked for.
struct Request {
  std::string inputPath, outputPath;
  std::string moduleName; // a C identifier
  std::string emit;       // mlir, schedule, tile, llvm, asm, obj, shared, header
  int64_t tileQ = 0, tileK = 0;
  bool remarks = false;
  std::vector<cpu::Level> levels; // from the most to the least demanding
};

/// A parsed input: the module and the names that its functions' arguments have in the source.
struct Input {
  /// Mutable, because an op handle gives no const access.
  mutable OwningOpRef<ModuleOp> module;
  std::map<std::string, std::vector<std::string>> argumentNames; // by function
};

/// Entries of a kernel, in the order of the image's table.
inline constexpr const char *kEntryNames[] = {"items", "work", "predicate", "tiles", "plan"};

/// One CPU level, compiled to LLVM IR. Every function of a kernel has internal linkage.
struct CompiledLevel {
  cpu::Level level;
  std::vector<std::string> features;
  mutable OwningOpRef<ModuleOp> tiles; // the module after fuse-softmax
  std::unique_ptr<llvm::Module> code;
  std::map<std::string, int64_t> scratchBytes; // by kernel
};

/// `name` with every character that C does not allow in an identifier replaced.
std::string makeIdentifier(llvm::StringRef name);

/// The name that a kernel's entry has in the artifact.
std::string getEntrySymbol(const Request &request, const cpu::Level &level, llvm::StringRef kernel,
                           llvm::StringRef entry);

/// The module after one stage: "mlir", "schedule" or "tile". Fails after a diagnostic.
FailureOr<OwningOpRef<ModuleOp>> runStage(const Request &request, const Input &input, llvm::StringRef stage);

/// Runs the whole pipeline for one level. Fails after a diagnostic.
FailureOr<CompiledLevel> compileLevel(const Request &request, const Input &input, const cpu::Level &level,
                                      llvm::LLVMContext &context);

/// Checks that functions take arrays and numbers, hold nothing but attention and return its results, each once; reports
/// the first thing else.
LogicalResult checkFunctions(ModuleOp module);

/// The manifest of docs/artifact.md. Appends to `entries` the symbols of the image's table, in order.
llvm::json::Object buildManifest(const Request &request, const Input &input, llvm::ArrayRef<CompiledLevel> levels,
                                 std::vector<std::string> &entries);

/// The C header of an artifact.
std::string buildHeader(const Request &request, const llvm::json::Object &manifest);

/// Joins the levels and the image into one LLVM module.
std::unique_ptr<llvm::Module> joinLevels(const Request &request, llvm::MutableArrayRef<CompiledLevel> levels,
                                         const llvm::json::Object &manifest, llvm::ArrayRef<std::string> entries);

/// Optimizes at -O3, each function for its own CPU. Returns an empty string or what went wrong.
std::string optimize(llvm::Module &module);

/// Writes assembly or an object. Returns an empty string or what went wrong.
std::string generateCode(llvm::Module &module, bool assembly, llvm::SmallVectorImpl<char> &output);

/// Artifacts need nothing but memcpy, memmove and memset. Says which other function `object` calls; empty if none.
std::string findForeignSymbol(llvm::StringRef object);

/// Links `object` into a shared library at `path`. Returns an empty string or what went wrong.
std::string linkShared(llvm::StringRef object, llvm::StringRef path);

} // namespace mlir::sparse_attn::compile

#endif // SPARSE_ATTN_TOOLS_COMPILE_COMPILATION_H
