//===- Artifact.cpp - A compiled module, ready to plan --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Artifact.h"

#include "DeviceKernels.h"
#include "ElfFile.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <utility>
#include <vector>

namespace sparse_attn {

namespace {

constexpr const char *manifestSection = ".sparse_attn.manifest";

/// Closes a library unless it is released.
struct Library {
  void *handle = nullptr;

  Library() = default;
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;
  ~Library() {
    if (handle)
      dlclose(handle);
  }
  void *release() { return std::exchange(handle, nullptr); }
};

/// The failure with the file's name in front.
Status inFile(const std::string &path, const Status &status) {
  return Status(status.code(), path + ": " + status.message());
}

const char *dynamicLinkerError() {
  const char *message = dlerror();
  return message ? message : "no reason";
}

Status load(const std::string &path, Library &library) {
  // A name without a slash would be looked up in the system's folders.
  std::unique_ptr<char, decltype(&std::free)> absolute(realpath(path.c_str(), nullptr), &std::free);
  library.handle = dlopen(absolute ? absolute.get() : path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library.handle)
    return makeError(StatusCode::InvalidArgument, "expects a library that loads, but got: ", dynamicLinkerError());
  return {};
}

/// Drivers trust what they load.
Status checkCode(const sparse_attn_image &image, const DeviceCode &code) {
  if (code.ptx) {
    const sparse_attn_blob &ptx = image.blobs[*code.ptx];
    if (char last = static_cast<const char *>(ptx.data)[ptx.bytes - 1]; last != '\0')
      return makeError(StatusCode::InvalidArgument, "expects ptx that ends in a zero byte, but got ", int(last));
  }
  return code.cubin ? checkCubin(image.blobs[*code.cubin].data, image.blobs[*code.cubin].bytes) : Status();
}

Status checkBlobs(const sparse_attn_image &image, const Manifest &manifest) {
  if (image.blob_count > 0 && !image.blobs)
    return makeError(StatusCode::InvalidArgument, "expects ", image.blob_count, " blobs, but got null");
  for (uint64_t i = 0; i < image.blob_count; ++i)
    if (!image.blobs[i].data || image.blobs[i].bytes == 0)
      return makeError(StatusCode::InvalidArgument, "expects bytes as blob ", i, ", but got ",
                       image.blobs[i].data ? "none" : "null");
  for (const KernelInfo &kernel : manifest.kernels)
    for (const Variant &variant : kernel.variants)
      if (Status status = variant.device ? checkCode(image, *variant.device) : Status(); !status.isOk())
        return makeError(status.code(), "kernel '", kernel.name, "' (", variant.level, "): ", status.message());
  return {};
}

/// Checks an image against the manifest that goes with it.
Status checkImage(const sparse_attn_image &image, const Manifest &manifest) {
  if (Status status = checkEntries(manifest, image.entry_count, image.blob_count); !status.isOk())
    return status;
  if (image.entry_count > 0 && !image.entries)
    return makeError(StatusCode::InvalidArgument, "expects ", image.entry_count, " entries, but got null");
  for (uint64_t i = 0; i < image.entry_count; ++i)
    if (!image.entries[i])
      return makeError(StatusCode::InvalidArgument, "expects a function as entry ", i, ", but got null");
  return checkBlobs(image, manifest);
}

/// Checks that the image that was found is the one that the file's manifest describes.
Status checkSameManifest(const sparse_attn_image &image, const std::vector<uint8_t> &section) {
  if (image.manifest && image.manifest_bytes >= manifestHeaderBytes && image.manifest_bytes <= section.size() &&
      std::memcmp(image.manifest, section.data(), image.manifest_bytes) == 0)
    return {};
  return makeError(StatusCode::InvalidArgument, "expects an image with the manifest of the file, but got another");
}

} // namespace

static uint64_t nextArtifactNumber() {
  static std::atomic<uint64_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

Artifact::Artifact(Manifest manifest, const sparse_attn_image *image, void *library)
    : info(std::move(manifest)), number(nextArtifactNumber()), image(image), library(library),
      kernels(std::make_unique<DeviceKernels>()) {}

Artifact::~Artifact() {
  // Simulated kernels are code of the library.
  kernels.reset();
  if (library)
    dlclose(library);
}

Result<std::shared_ptr<const Artifact>> Artifact::open(const std::string &path) {
  Result<std::vector<uint8_t>> section = readElfSection(path, manifestSection);
  if (!section.isOk())
    return inFile(path, section.status());
  Result<Manifest> manifest = parseManifest(section->data(), section->size());
  if (!manifest.isOk())
    return inFile(path, manifest.status());
  Library library;
  if (Status status = load(path, library); !status.isOk())
    return inFile(path, status);
  std::string symbol = manifest->module + "_sparse_attn_image";
  const auto *image = static_cast<const sparse_attn_image *>(dlsym(library.handle, symbol.c_str()));
  if (!image)
    return inFile(
        path, makeError(StatusCode::InvalidArgument, "expects symbol ", symbol, ", but got: ", dynamicLinkerError()));
  if (Status status = checkSameManifest(*image, *section); !status.isOk())
    return inFile(path, status);
  if (Status status = checkImage(*image, *manifest); !status.isOk())
    return inFile(path, status);
  std::unique_ptr<Artifact> artifact(new Artifact(std::move(*manifest), image, nullptr));
  artifact->library = library.release();
  return std::shared_ptr<const Artifact>(std::move(artifact));
}

Result<std::shared_ptr<const Artifact>> Artifact::fromImage(const sparse_attn_image *image) {
  if (!image)
    return makeError(StatusCode::InvalidArgument, "expects an image, but got null");
  Result<Manifest> manifest = parseManifest(image->manifest, image->manifest_bytes);
  if (!manifest.isOk())
    return manifest.status();
  if (Status status = checkImage(*image, *manifest); !status.isOk())
    return status;
  return std::shared_ptr<const Artifact>(new Artifact(std::move(*manifest), image, nullptr));
}

} // namespace sparse_attn
