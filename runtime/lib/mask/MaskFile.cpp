//===- MaskFile.cpp - Block masks in files --------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/MaskFile.h"

#include "mask/Array.h"
#include "mask/AtomicFile.h"
#include "mask/MaskFileLoad.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <new>
#include <ostream>

namespace sparse_attn {

using namespace mask;

namespace {

/// Reads up to `size` bytes; fewer where the stream ends or fails, in whatever way the user has told it to.
size_t readUpTo(std::istream &stream, uint8_t *bytes, size_t size) {
  try {
    stream.read(reinterpret_cast<char *>(bytes), static_cast<std::streamsize>(size));
  } catch (const std::bad_alloc &) {
    throw;
  } catch (...) {
  }
  return static_cast<size_t>(stream.gcount());
}

Status writeAll(std::ostream &stream, const std::vector<uint8_t> &bytes) {
  try {
    stream.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    stream.flush();
  } catch (const std::bad_alloc &) {
    throw;
  } catch (...) {
  }
  if (!stream)
    return makeError(StatusCode::InvalidArgument, "expects a stream that takes ", bytes.size(),
                     " bytes, but got one that fails");
  return {};
}

/// Bytes of a stream.
struct Payload {
  Array<uint8_t> bytes; ///< Maybe more than were read.
  size_t size = 0;      ///< Bytes read.
};

/// Reads `size` bytes, or as many as there are. A size that the stream does not have costs no more than twice the
/// memory of what it has.
Payload readPayload(std::istream &stream, uint64_t size) {
  constexpr uint64_t firstBytes = uint64_t(16) << 20; // Not touched before they are read into.
  Payload payload;
  payload.bytes = Array<uint8_t>(std::min(size, firstBytes));
  for (;;) {
    size_t wanted = payload.bytes.size() - payload.size;
    size_t got = readUpTo(stream, payload.bytes.data() + payload.size, wanted);
    payload.size += got;
    if (got < wanted || payload.size == size)
      return payload;
    Array<uint8_t> larger(std::min(size, 2 * uint64_t(payload.size)));
    std::memcpy(larger.data(), payload.bytes.data(), payload.size);
    payload.bytes = std::move(larger);
  }
}

/// `result` with the path in front of its error.
template <typename AnyResult> AnyResult inFile(const std::string &path, AnyResult result) {
  if (result.isOk())
    return result;
  return Status(result.status().code(), path + ": " + result.status().message());
}

Result<BlockMask> loadWholeFile(std::ifstream &stream, const MaskLoadOptions &options) {
  if (!stream)
    return makeError(StatusCode::InvalidArgument, "expects a file that can be read, but got: ", std::strerror(errno));
  Result<BlockMask> mask = loadMask(stream, options);
  if (mask.isOk() && stream.peek() != std::ifstream::traits_type::eof())
    return makeError(StatusCode::InvalidArgument, "expects a file that ends with the mask, but got more bytes");
  return mask;
}

} // namespace

Status saveMask(const BlockMask &mask, std::ostream &stream) {
  std::vector<uint8_t> bytes;
  if (Status status = saveMask(mask, bytes); !status.isOk())
    return status;
  return writeAll(stream, bytes);
}

Status saveMask(const BlockMask &mask, const std::string &path) {
  std::vector<uint8_t> bytes;
  if (Status status = saveMask(mask, bytes); !status.isOk())
    return status;
  return writeFileAtomically(path, bytes.data(), bytes.size());
}

Result<BlockMask> loadMask(const void *bytes, size_t size, const MaskLoadOptions &options) {
  const uint8_t *file = static_cast<const uint8_t *>(bytes);
  if (!file && size > 0)
    return makeError(StatusCode::InvalidArgument, "expects ", size, " bytes, but got a null pointer");
  Result<MaskFileHeader> header = readMaskHeader(file, size, options);
  if (!header.isOk())
    return header.status();
  if (header->payloadBytes != size - sizeof(MaskFileHeader))
    return makeError(StatusCode::InvalidArgument, "payloadBytes: expects ", size - sizeof(MaskFileHeader),
                     ", the bytes behind the header, but got ", header->payloadBytes);
  return readMaskPayload(*header, file + sizeof(MaskFileHeader), options);
}

Result<BlockMask> loadMask(std::istream &stream, const MaskLoadOptions &options) {
  uint8_t start[sizeof(MaskFileHeader)];
  Result<MaskFileHeader> header = readMaskHeader(start, readUpTo(stream, start, sizeof(start)), options);
  if (!header.isOk())
    return header.status();
  Payload payload = readPayload(stream, header->payloadBytes);
  if (payload.size != header->payloadBytes)
    return makeError(StatusCode::InvalidArgument, "payloadBytes: expects ", payload.size,
                     ", the bytes behind the header, but got ", header->payloadBytes);
  return readMaskPayload(*header, payload.bytes.data(), options);
}

Result<BlockMask> loadMask(const std::string &path, const MaskLoadOptions &options) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  return inFile(path, loadWholeFile(stream, options));
}

} // namespace sparse_attn
