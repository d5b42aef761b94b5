//===- InputFile.cpp - Files read to their ends and no further -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/InputFile.h"

#include "support/InputError.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sparse_attn::tools {

InputFile::InputFile(const std::string &path) : path(path), descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0)
    fail(path, ": cannot read: ", std::strerror(errno));
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    fail(path, ": expects a regular file");
  }
  left = status.st_size;
}

InputFile::~InputFile() { close(descriptor); }

void InputFile::read(void *data, int64_t bytes, const char *what) {
  if (bytes > left)
    fail(path, ": file is truncated: expects ", bytes, " bytes of ", what, ", but got ", left);
  char *next = static_cast<char *>(data);
  while (bytes > 0) {
    ssize_t count = ::read(descriptor, next, static_cast<size_t>(bytes));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail(path, ": cannot read: ", std::strerror(errno));
    if (count == 0)
      fail(path, ": file became shorter while it was read");
    next += count;
    bytes -= count;
    left -= count;
  }
}

} // namespace sparse_attn::tools
