//===- Compiler.cpp - Runs sparse-attn-compile ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiler.h"

#include "Error.h"
#include "Timing.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sparse_attn::bench {

namespace {

namespace fs = std::filesystem;

double secondsOf(const timeval &time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Starts a program; `output` becomes its standard output unless negative.
pid_t start(const std::vector<std::string> &command, int output) {
  std::vector<char *> arguments;
  for (const std::string &word : command)
    arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output >= 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child = 0;
  int error = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error)
    fail("cannot run ", command[0], ": ", std::strerror(error));
  return child;
}

rusage waitFor(pid_t child, const std::string &program) {
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR)
      fail("cannot wait for ", program, ": ", std::strerror(errno));
  if (WIFSIGNALED(status))
    fail(program, " ended by signal ", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0)
    fail(program, " failed with exit code ", WEXITSTATUS(status));
  return usage;
}

std::string compilerBesideUs() {
  return (fs::read_symlink("/proc/self/exe").parent_path() / "sparse-attn-compile").string();
}

} // namespace

ChildTime runProgram(const std::vector<std::string> &command) {
  double begin = wallSeconds();
  rusage usage = waitFor(start(command, -1), command[0]);
  return {secondsOf(usage.ru_utime) + secondsOf(usage.ru_stime), wallSeconds() - begin};
}

std::string outputOf(const std::vector<std::string> &command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    fail("cannot make a pipe: ", std::strerror(errno));
  pid_t child = start(command, ends[1]);
  close(ends[1]);
  std::string output;
  std::array<char, 4096> buffer;
  for (ssize_t bytes; (bytes = read(ends[0], buffer.data(), buffer.size())) > 0;)
    output.append(buffer.data(), static_cast<size_t>(bytes));
  close(ends[0]);
  waitFor(child, command[0]);
  return output;
}

Compiler::Compiler(std::string path) : program(path.empty() ? compilerBesideUs() : std::move(path)) {
  if (access(program.c_str(), X_OK) != 0)
    fail("expects sparse-attn-compile at ", program, ": ", std::strerror(errno));
  folder = (fs::temp_directory_path() / "sparse-attn-bench.XXXXXX").string();
  if (!mkdtemp(folder.data()))
    fail(folder, ": cannot make a temporary folder: ", std::strerror(errno));
}

Compiler::~Compiler() {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

std::string Compiler::compile(const std::string &module, const std::string &level) {
  std::string &artifact = artifacts[level + "\n" + module];
  if (!artifact.empty())
    return artifact;
  std::string stem = folder + "/module" + std::to_string(artifacts.size());
  std::ofstream(stem + ".mlir") << module;
  runProgram({program, stem + ".mlir", "--target=cpu", "--cpu=" + level, "-o", stem + ".so"});
  artifact = stem + ".so";
  return artifact;
}

std::shared_ptr<const Artifact> Compiler::open(const std::string &module, const std::string &level) {
  return valueOf(Artifact::open(compile(module, level)));
}

ChildTime Compiler::time(const std::string &path, const std::string &level) {
  return runProgram({program, path, "--target=cpu", "--cpu=" + level, "-o", folder + "/timed.so"});
}

} // namespace sparse_attn::bench
