//===- CompileModule.cpp - Compiles a module into a temporary artifact -----===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/CompileModule.h"

#include "support/InputError.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sparse_attn::tools {

namespace {

namespace fs = std::filesystem;

/// The compiler of the same build or installation as this program.
std::string findCompiler() {
  fs::path compiler = fs::read_symlink("/proc/self/exe").parent_path() / "sparse-attn-compile";
  if (access(compiler.c_str(), X_OK) != 0)
    fail("expects sparse-attn-compile at ", compiler.string(), " to compile a .mlir: ", std::strerror(errno));
  return compiler.string();
}

std::string makeFolder() {
  std::string name = (fs::temp_directory_path() / "sparse-attn.XXXXXX").string();
  if (!mkdtemp(name.data()))
    fail(name, ": cannot make a temporary folder: ", std::strerror(errno));
  return name;
}

/// Runs a program and returns its exit status as of waitpid.
int runProgram(const std::vector<std::string> &command) {
  std::vector<char *> arguments;
  for (const std::string &word : command)
    arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (int error = posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ))
    fail("cannot run ", command[0], ": ", std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      fail("cannot wait for ", command[0], ": ", std::strerror(errno));
  return status;
}

} // namespace

TemporaryArtifact::TemporaryArtifact(const std::string &module, const std::vector<std::string> &flags) {
  std::vector<std::string> command = {findCompiler(), module};
  command.insert(command.end(), flags.begin(), flags.end());
  auto has = [&](const char *prefix) {
    return std::any_of(flags.begin(), flags.end(), [&](const std::string &flag) { return flag.rfind(prefix, 0) == 0; });
  };
  bool isForCpu = !has("--target=") || has("--target=cpu");
  if (!has("--target="))
    command.push_back("--target=cpu");
  // The artifact serves this run alone, so it needs no code for other machines.
  if (isForCpu && !has("--cpu="))
    command.push_back("--cpu=native");
  folder = makeFolder();
  artifact = folder + "/" + fs::path(module).stem().string() + ".so";
  command.insert(command.end(), {"-o", artifact});
  int status = runProgram(command);
  if (status == 0)
    return;
  fs::remove_all(folder);
  if (WIFSIGNALED(status))
    fail("compiling ", module, " ended by signal ", WTERMSIG(status));
  fail("compiling ", module, " failed");
}

TemporaryArtifact::~TemporaryArtifact() {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

bool isModule(const std::string &path) {
  std::string extension = fs::path(path).extension().string();
  return extension == ".mlir" || extension == ".mlirbc";
}

} // namespace sparse_attn::tools
