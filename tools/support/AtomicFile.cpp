//===- AtomicFile.cpp - Files that appear whole or not at all --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/AtomicFile.h"

#include "support/InputError.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sparse_attn::tools {

namespace {

/// The permissions that a file made by open(2) would get.
mode_t defaultMode() {
  mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

/// Whether a path must be written in place: a device, a pipe, or a name like /dev/fd/3, which stands for whatever file
/// the shell has opened.
bool isSpecial(const std::string &path) {
  struct stat status;
  return path.rfind("/dev/", 0) == 0 || path.rfind("/proc/", 0) == 0 ||
         (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode));
}

/// The file that a symbolic link leads to, so that it is the file that is replaced and not the link.
std::string targetOf(const std::string &path) {
  std::error_code missing;
  std::filesystem::path target = std::filesystem::canonical(path, missing);
  return missing ? path : target.string();
}

} // namespace

AtomicFile::AtomicFile(std::string path) : path(std::move(path)) {
  if (this->path == "/dev/stdout") {
    // Opened anew it would have a position of its own, and the two outputs would overwrite each other.
    descriptor = dup(STDOUT_FILENO);
  } else if (isSpecial(this->path)) {
    descriptor = open(this->path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  } else {
    this->path = targetOf(this->path);
    temporary = this->path + ".XXXXXX";
    descriptor = mkostemp(temporary.data(), O_CLOEXEC);
    if (descriptor < 0)
      temporary.clear();
  }
  if (descriptor < 0)
    fail(this->path, ": cannot write: ", std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

void AtomicFile::write(const void *data, size_t bytes) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t written = ::write(descriptor, next, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      fail(path, ": cannot write: ", std::strerror(errno));
    next += written;
    bytes -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  bool failed = !temporary.empty() && fchmod(descriptor, defaultMode()) != 0;
  failed |= close(std::exchange(descriptor, -1)) != 0;
  failed |= !temporary.empty() && rename(temporary.c_str(), path.c_str()) != 0;
  if (failed)
    fail(path, ": cannot write: ", std::strerror(errno));
  temporary.clear();
}

} // namespace sparse_attn::tools
