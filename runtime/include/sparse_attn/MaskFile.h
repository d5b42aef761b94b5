//===- MaskFile.h - Block masks in files ----------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask file holds the terms of a mask, and the pairs outside of them as
// Roaring bitmaps in the portable format, which the Roaring libraries of other
// languages read and write; docs/mask-format.md describes every byte. It says
// nothing of how the mask was kept in memory: equal masks with equal terms are
// equal files.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASKFILE_H
#define SPARSE_ATTN_MASKFILE_H

#include "sparse_attn/BlockMask.h"

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace sparse_attn {

/// How a mask is loaded, and what a file may ask for.
struct MaskLoadOptions {
  FreezeOptions freeze; ///< How the mask is kept.
  /// Bytes of a file.
  uint64_t maxBytes = uint64_t(4) << 30;
  /// How much work the terms may take to count, since a hundred bytes can declare a mask that takes hours: 1 for each
  /// row of a term; with a step 64 more, and 1 for each range of that row. A unit takes about 10 ns. A window over a
  /// billion tokens in blocks of 16 is 2^26.
  uint64_t maxTermWork = uint64_t(1) << 28;
};

/// Appends the file of `mask` to `buffer`. O(all that the mask stores). Errors: Unsupported where what was written does
/// not pass the checks of a reader; `buffer` is as before then. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Status saveMask(const BlockMask &mask, std::vector<uint8_t> &buffer);
/// Writes the file to a binary stream, and flushes it. Errors: InvalidArgument, too, where the stream fails, whether or
/// not it throws.
SPARSE_ATTN_EXPORT Status saveMask(const BlockMask &mask, std::ostream &stream);
/// Writes the file at `path`, whole or not at all: after a failure or a crash, what was there before is still there. A
/// pipe or device is written directly. Errors: InvalidArgument, too, with the system's reason.
SPARSE_ATTN_EXPORT Status saveMask(const BlockMask &mask, const std::string &path);

/// Loads a mask from bytes that nobody vouches for: the file, and nothing behind it. O(size log size + work of the
/// terms) where the representation is automatic; memory is then at most a small multiple of `size`, whatever the file
/// says. Other representations add what `BlockMask::withRepresentation` takes.
///
/// Errors: VersionMismatch for another version of the format; InvalidArgument, naming the field, where the bytes are
/// anything but a whole and consistent file within the limits of `options`; Unsupported as
/// `BlockMask::withRepresentation`. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<BlockMask> loadMask(const void *bytes, size_t size, const MaskLoadOptions &options = {});
/// Loads the mask that a binary stream is at, and leaves the stream behind it; so a stream may hold several. Whatever
/// size the file claims, it is read into 16 MiB or twice the bytes that the stream has. Errors: as above, and
/// InvalidArgument where the stream fails, whether or not it throws.
SPARSE_ATTN_EXPORT Result<BlockMask> loadMask(std::istream &stream, const MaskLoadOptions &options = {});
/// Loads the file at `path`, which has nothing behind the mask. Errors: as above, with the path in front.
SPARSE_ATTN_EXPORT Result<BlockMask> loadMask(const std::string &path, const MaskLoadOptions &options = {});

} // namespace sparse_attn

#endif // SPARSE_ATTN_MASKFILE_H
