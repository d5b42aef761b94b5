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
  std::string moduleName;  // a C identifier
  std::string target;      // cpu, or the chip of a GPU
  std::string kernelsPath; // GPU kernels to take instead of those of the compiler; empty: none
  std::string emit;        // mlir, schedule, tile, nvvm, ptx, cubin, llvm, asm, obj, shared, header
  int64_t tileQ = 0, tileK = 0;
  bool reindex = true; // dilated attention becomes dense work within residue classes
  bool remarks = false;
  bool simulate = false; // a GPU artifact also holds its kernels as host code
  /// From the most to the least demanding; for a GPU one, of the host.
  std::vector<cpu::Level> levels;

  bool isForCpu() const { return target == "cpu"; }
};

/// A parsed input: the module and the names that its functions' arguments have in the source.
struct Input {
  /// Mutable, because an op handle gives no const access.
  mutable OwningOpRef<ModuleOp> module;
  std::map<std::string, std::vector<std::string>> argumentNames; // by function
};

/// Entries of a kernel, in the order of the image's table.
inline constexpr const char *kEntryNames[] = {"items", "work", "predicate", "score", "tiles", "plan", "simulate"};

/// One CPU level, compiled to LLVM IR. Every function of a kernel has internal linkage.
struct CompiledLevel {
  cpu::Level level;
  std::vector<std::string> features;
  std::unique_ptr<llvm::Module> code;
  std::map<std::string, int64_t> scratchBytes; // by kernel
};

/// The kernels of a module, compiled for a GPU.
struct DeviceCode {
  std::map<std::string, DictionaryAttr> launches; // by kernel: what nvvm::kLaunchAttr says
  std::string ptx;
  std::string cubin;                       // empty where there is no ptxas
  std::unique_ptr<llvm::Module> simulated; // null unless asked for

  /// The name of a kernel in its images.
  static std::string getSymbol(const Request &request, llvm::StringRef kernel);
};

/// A module, compiled.
struct Compiled {
  mutable OwningOpRef<ModuleOp> tiles; // after fuse-softmax
  std::vector<CompiledLevel> levels;
  std::optional<DeviceCode> device; // of a GPU artifact
};

/// Data that an artifact holds: `sparse_attn_blob`s, in order.
using Blobs = std::vector<std::string>;

/// `name` with every character that C does not allow in an identifier replaced.
std::string makeIdentifier(llvm::StringRef name);

/// The name that a kernel's entry has in the artifact.
std::string getEntrySymbol(const Request &request, const cpu::Level &level, llvm::StringRef kernel,
                           llvm::StringRef entry);

/// The module after one stage: "mlir", "schedule" or "tile". Fails after a diagnostic.
FailureOr<OwningOpRef<ModuleOp>> runStage(const Request &request, const Input &input, llvm::StringRef stage);

/// Runs the whole pipeline. Fails after a diagnostic.
FailureOr<Compiled> compileInput(const Request &request, const Input &input, llvm::LLVMContext &context);

/// The GPU kernels of a module of tile programs, as -sparse-attn-convert-to-nvvm writes them. Fails after a diagnostic.
FailureOr<OwningOpRef<ModuleOp>> convertToNVVM(const Request &request, ModuleOp tiles);
/// Compiles the gpu.module of such a module. Fails after a diagnostic.
FailureOr<DeviceCode> compileDevice(const Request &request, ModuleOp kernels, llvm::LLVMContext &context);

/// Assembles PTX. Gives an empty cubin, after a note, where there is no ptxas. Fails after a diagnostic at `loc`.
FailureOr<std::string> assemble(const Request &request, llvm::StringRef ptx, Location loc);

/// Gives all 4D tensors of functions and attention the element type `type`.
void setElementType(ModuleOp module, Type type);

/// Checks that functions take arrays and numbers, hold nothing but attention and return its results, each once; reports
/// the first thing else.
LogicalResult checkFunctions(ModuleOp module);

/// The manifest of docs/artifact.md. Appends to `entries` the symbols of the image's table, and to `blobs` its data.
llvm::json::Object buildManifest(const Request &request, const Input &input, const Compiled &compiled,
                                 std::vector<std::string> &entries, Blobs &blobs);

/// The C header of an artifact.
std::string buildHeader(const Request &request, const llvm::json::Object &manifest);

/// Joins all host code and the image into one LLVM module.
std::unique_ptr<llvm::Module> joinCode(const Request &request, Compiled &compiled, const llvm::json::Object &manifest,
                                       llvm::ArrayRef<std::string> entries, const Blobs &blobs);

/// Optimizes at -O3, each function for its own CPU. Returns an empty string or what went wrong.
std::string optimize(llvm::Module &module);

/// GPU kernels to PTX: LLVM IR for `chip` at -O3. Returns an empty string or what went wrong.
std::string generatePtx(llvm::Module &module, llvm::StringRef chip, llvm::StringRef features, std::string &ptx);

/// Writes assembly or an object. Returns an empty string or what went wrong.
std::string generateCode(llvm::Module &module, bool assembly, llvm::SmallVectorImpl<char> &output);

/// Artifacts need nothing but memcpy, memmove and memset. Says which other function `object` calls; empty if none.
std::string findForeignSymbol(llvm::StringRef object);

/// Links `object` into a shared library at `path`. Returns an empty string or what went wrong.
std::string linkShared(llvm::StringRef object, llvm::StringRef path);

} // namespace mlir::sparse_attn::compile

#endif // SPARSE_ATTN_TOOLS_COMPILE_COMPILATION_H
