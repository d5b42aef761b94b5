//===- Artifact.h - A compiled module, ready to plan ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact is a shared library, or linked into the program. A file is
// loaded only after its manifest has been read from the file and found
// correct, so that constructors of foreign files never run.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_ARTIFACT_H
#define SPARSE_ATTN_ARTIFACT_H

#include "sparse_attn/Manifest.h"

#include <memory>
#include <string>

namespace sparse_attn {

class DeviceKernels;

/// A checked manifest and the functions it names. Immutable; plans share it.
class SPARSE_ATTN_EXPORT Artifact {
public:
  using Entry = void (*)();

  /// Loads a shared library made by `sparse-attn-compile`.
  ///
  /// Errors: VersionMismatch, InvalidArgument when the file is missing, truncated or no artifact, Unsupported when it
  /// is for another machine or target.
  static Result<std::shared_ptr<const Artifact>> open(const std::string &path);

  /// Wraps an artifact linked into the program; `image` must outlive it.
  static Result<std::shared_ptr<const Artifact>> fromImage(const sparse_attn_image *image);

  Artifact(const Artifact &) = delete;
  Artifact &operator=(const Artifact &) = delete;
  ~Artifact();

  const Manifest &manifest() const { return info; }
  /// A number that no other artifact of this process has, or had.
  uint64_t id() const { return number; }
  /// A function of the image; `index` comes from the manifest.
  Entry entry(uint64_t index) const { return image->entries[index]; }
  /// Bytes of the image; `index` comes from the manifest.
  const sparse_attn_blob &blob(uint64_t index) const { return image->blobs[index]; }

  /// For the library's own use.
  DeviceKernels &deviceKernels() const { return *kernels; }

private:
  Artifact(Manifest manifest, const sparse_attn_image *image, void *library);

  Manifest info;
  uint64_t number;
  const sparse_attn_image *image;
  void *library; ///< From dlopen; null where the artifact is linked in.
  std::unique_ptr<DeviceKernels> kernels;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_ARTIFACT_H
