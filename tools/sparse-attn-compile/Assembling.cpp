//===- Assembling.cpp - PTX to machine code -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's assembler, ptxas, is used where there is one. What it says about
// registers is what the tile sizes were chosen for, so nothing of it is lost:
// warnings are warnings of ours, and --remarks shows the rest.
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace mlir;
using namespace mlir::sparse_attn;

namespace mlir::sparse_attn::compile {

/// On the PATH, or in the toolkit that CUDA_HOME or CUDA_PATH names; empty where there is none.
static std::string findPtxas() {
  if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"}) {
    const char *toolkit = std::getenv(variable);
    if (!toolkit)
      continue;
    llvm::SmallString<128> folder(toolkit);
    llvm::sys::path::append(folder, "bin");
    if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName("ptxas", {folder}))
      return *path;
  }
  return "";
}

/// Files that go away with this object.
struct TemporaryFiles {
  llvm::SmallString<128> ptx, cubin, log;

  bool create() {
    return !llvm::sys::fs::createTemporaryFile("sparse-attn", "ptx", ptx) &&
           !llvm::sys::fs::createTemporaryFile("sparse-attn", "cubin", cubin) &&
           !llvm::sys::fs::createTemporaryFile("sparse-attn", "log", log);
  }
  ~TemporaryFiles() {
    for (llvm::StringRef path : {ptx.str(), cubin.str(), log.str()})
      if (!path.empty())
        llvm::sys::fs::remove(path);
  }
};

static std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// The lines of ptxas's log: warnings, and with --remarks what it says about each kernel.
static void report(const Request &request, llvm::StringRef log, Location loc) {
  llvm::StringRef kernel;
  for (llvm::StringRef line : llvm::split(log, '\n')) {
    if (line.contains("Compiling entry function"))
      kernel = line.split('\'').second.split('\'').first;
    // Advice that a kernel loses performance is an info to ptxas, with a number such as C7510.
    if (line.contains("warning") || line.contains("(C7"))
      emitWarning(loc) << line.trim();
    else if (request.remarks && (line.contains("Used ") || line.contains("spill")))
      emitRemark(loc) << "ptxas: " << kernel << ": " << line.ltrim("ptxas info:\t ").trim();
  }
}

FailureOr<std::string> assemble(const Request &request, llvm::StringRef ptx, Location loc) {
  std::string ptxas = findPtxas();
  if (ptxas.empty()) {
    if (request.emit == "cubin")
      return emitError(loc, "expects ptxas on the PATH or in CUDA_HOME, but found none");
    llvm::errs() << "sparse-attn-compile: note: found no ptxas on the PATH or in CUDA_HOME, so that the artifact holds "
                    "PTX alone\n";
    return std::string();
  }
  TemporaryFiles files;
  if (!files.create())
    return emitError(loc, "cannot create a temporary file");
  std::error_code error;
  llvm::raw_fd_ostream stream(files.ptx, error);
  if (!error)
    stream << ptx;
  stream.close();
  if (error || stream.has_error())
    return emitError(loc, "cannot write '") << files.ptx << "'";
  std::string arch = "-arch=" + request.target;
  llvm::StringRef arguments[] = {ptxas, arch, "-O3", "-v", files.ptx, "-o", files.cubin};
  std::optional<llvm::StringRef> redirects[] = {std::nullopt, files.log.str(), files.log.str()};
  std::string message;
  int code = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, 0, 0, &message);
  std::string log = readFile(files.log);
  if (code != 0)
    return emitError(loc, "ptxas failed: ") << message << log;
  report(request, log, loc);
  std::string cubin = readFile(files.cubin);
  if (cubin.empty())
    return emitError(loc, "expects ptxas to write machine code, but got none: ") << log;
  return cubin;
}

} // namespace mlir::sparse_attn::compile
