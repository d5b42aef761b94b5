//===- Linking.cpp - An object to a shared library ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mlir::sparse_attn::compile {

/// A linker: LLVM's where the compiler was built, else one on the PATH.
static std::string findLinker() {
  for (StringRef name : {"ld.lld", "ld"}) {
    if (ErrorOr<std::string> path = sys::findProgramByName(name, {SPARSE_ATTN_LLVM_BIN}))
      return *path;
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  }
  return "";
}

static std::string writeFile(StringRef path, StringRef content) {
  std::error_code error;
  raw_fd_ostream stream(path, error);
  if (!error)
    stream << content;
  stream.close();
  if (error || stream.has_error())
    return "cannot write '" + path.str() + "': " + (error ? error : stream.error()).message();
  return "";
}

std::string linkShared(StringRef object, StringRef path) {
  std::string linker = findLinker();
  if (linker.empty())
    return "expects a linker (ld.lld or ld) on the PATH, but found none";
  // Linked beside the output and renamed, so that a failure leaves what was there, and a running user of it its pages.
  SmallString<128> objectPath, logPath, linkedPath;
  if (std::error_code failure = sys::fs::createUniqueFile(path + ".%%%%%%", linkedPath))
    return "cannot write '" + path.str() + "': " + failure.message();
  if (sys::fs::createTemporaryFile("sparse-attn", "o", objectPath) ||
      sys::fs::createTemporaryFile("sparse-attn", "log", logPath))
    return "cannot create a temporary file";
  scope_exit cleanUp([&] {
    sys::fs::remove(objectPath);
    sys::fs::remove(logPath);
    sys::fs::remove(linkedPath);
  });
  if (std::string error = writeFile(objectPath, object); !error.empty())
    return error;
  StringRef arguments[] = {linker, "-shared",     "-o",         linkedPath, objectPath, "--gc-sections",
                           "-z",   "noexecstack", "--build-id", "-z",       "relro"};
  std::optional<StringRef> redirects[] = {std::nullopt, logPath.str(), logPath.str()};
  std::string error;
  if (sys::ExecuteAndWait(linker, arguments, std::nullopt, redirects, 0, 0, &error) == 0) {
    if (std::error_code failure = sys::fs::rename(linkedPath, path))
      return "cannot write '" + path.str() + "': " + failure.message();
    return "";
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> log = MemoryBuffer::getFile(logPath);
  return "the linker failed: " + error + (log ? (*log)->getBuffer().trim().str() : "");
}

} // namespace mlir::sparse_attn::compile
