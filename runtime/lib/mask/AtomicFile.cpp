//===- AtomicFile.cpp - Files that appear whole or not at all --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/AtomicFile.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sparse_attn::mask {

namespace {

Status cannotWrite(const std::string &path) {
  return makeError(StatusCode::InvalidArgument, path,
                   ": expects a file that can be written, but got: ", std::strerror(errno));
}

/// A descriptor open for writing, or -1 with the reason in errno.
class Output {
public:
  explicit Output(int descriptor) : descriptor(descriptor) {}
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;
  ~Output() {
    if (isOpen())
      ::close(descriptor);
  }

  bool isOpen() const { return descriptor >= 0; }

  bool write(const uint8_t *bytes, size_t size) {
    while (size > 0) {
      ssize_t written = ::write(descriptor, bytes, size);
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return false;
      bytes += written;
      size -= static_cast<size_t>(written);
    }
    return true;
  }

  bool sync() { return fsync(descriptor) == 0; }
  bool close() { return ::close(std::exchange(descriptor, -1)) == 0; }

private:
  int descriptor;
};

/// Whether a path must be written in place: a device, a pipe, or a name like /dev/fd/3, which stands for whatever file
/// the shell has opened.
bool isSpecial(const std::string &path) {
  struct stat status;
  return path.rfind("/dev/", 0) == 0 || path.rfind("/proc/", 0) == 0 ||
         (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode));
}

/// The file that a symbolic link leads to, so that it is that file that is replaced and not the link.
std::string targetOf(const std::string &path) {
  std::error_code missing;
  std::filesystem::path target = std::filesystem::canonical(path, missing);
  return missing ? path : target.string();
}

/// Opens a new file beside `path`, whose name becomes `name`.
int openBeside(const std::string &path, std::string &name) {
  static std::atomic<uint32_t> counter{0};
  for (;;) {
    name = path + "." + std::to_string(getpid()) + "." + std::to_string(counter++) + ".tmp";
    // The permissions are those of any new file: mkstemp would make it private.
    int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST)
      return descriptor;
  }
}

Status writeInPlace(const std::string &path, const uint8_t *bytes, size_t size) {
  Output output(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!output.isOpen() || !output.write(bytes, size) || !output.close())
    return cannotWrite(path);
  return {};
}

} // namespace

Status writeFileAtomically(const std::string &path, const uint8_t *bytes, size_t size) {
  if (isSpecial(path))
    return writeInPlace(path, bytes, size);
  const std::string target = targetOf(path);
  std::string temporary;
  Output output(openBeside(target, temporary));
  if (!output.isOpen())
    return cannotWrite(path);
  if (output.write(bytes, size) && output.sync() && output.close() && ::rename(temporary.c_str(), target.c_str()) == 0)
    return {};
  Status status = cannotWrite(path);
  ::unlink(temporary.c_str());
  return status;
}

} // namespace sparse_attn::mask
