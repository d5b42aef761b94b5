//===- Accelerator.h - A device with memory of its own --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GPU kernels run on an accelerator: an NVIDIA GPU, or the simulated device,
// which runs the same kernels as host code, one fiber for each GPU thread.
// `prepare` loads images and uploads lists through this interface; a launch
// makes tensor maps and starts the kernel, and does nothing else.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_ACCELERATOR_H
#define SPARSE_ATTN_ACCELERATOR_H

#include "sparse_attn/Export.h"
#include "sparse_attn/Status.h"
#include "sparse_attn/Value.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sparse_attn {

/// Memory of an accelerator; freed with this object.
class SPARSE_ATTN_EXPORT DeviceBuffer {
public:
  virtual ~DeviceBuffer();
  /// An address of the device, aligned to at least 256 bytes.
  void *data() const { return address; }
  size_t bytes() const { return size; }

protected:
  DeviceBuffer(void *address, size_t size) : address(address), size(size) {}
  DeviceBuffer(const DeviceBuffer &) = delete;
  DeviceBuffer &operator=(const DeviceBuffer &) = delete;

  void *address;
  size_t size;
};

/// A kernel compiled for a simulated device: `calls` is the table of SimulatorCalls.def, `thread` the calling GPU
/// thread, `maps` its tensor maps (null without any) and `block` its argument block.
using SimulatedKernel = void (*)(const void *const *calls, void *thread, const void *maps, const uint64_t *block);

/// What an artifact holds for one GPU kernel. All that is pointed to stays the artifact's.
struct DeviceImage {
  std::string symbol;          ///< Of the kernel, in both images.
  const void *cubin = nullptr; ///< ELF; null where the artifact has none.
  size_t cubinBytes = 0;
  const char *ptx = nullptr;           ///< Text that ends in a zero; null where the artifact has none.
  SimulatedKernel simulated = nullptr; ///< Null where the artifact has none.
  int32_t major = 0, minor = 0;        ///< Compute capability that the images are for.
  bool exact = false;                  ///< They run on that capability only (sm_90a), not on later ones.
  int32_t threads = 0;                 ///< Of a block.
  int32_t sharedBytes = 0;             ///< Dynamic shared memory of a block.
  size_t mapCount = 0;                 ///< Tensor maps, the first parameter; without any, the block is the only one.
  size_t blockBytes = 0;               ///< The argument block, passed by value.
};

/// A kernel that an accelerator has loaded.
class SPARSE_ATTN_EXPORT DeviceKernel {
public:
  virtual ~DeviceKernel();
};

/// Encoded by the accelerator that made it: a CUtensorMap, or what stands for one.
struct alignas(64) TensorMap {
  unsigned char bytes[128];
};

/// Rows of an array that a tensor map reaches. Of the classes of rows modulo s, those below length mod s are long, with
/// ceil(length / s) rows; the others are short, with floor(length / s). A map of both would reach behind the array.
enum class MapRows { All, LongClasses, ShortClasses };

/// An array as a tensor map sees it, the innermost dimension first: [head size, length, heads, batch], or [head size,
/// class, row of the class, heads, batch].
struct TiledArray {
  static constexpr int32_t maxRank = 5;

  int32_t rank;
  int32_t rowDimension; ///< 1, or 2 behind the class.
  char *address;
  std::array<int64_t, maxRank> size;   ///< 1 beyond `rank`.
  std::array<int64_t, maxRank> stride; ///< In elements.

  bool isEmpty() const { return std::find(size.begin(), size.end(), 0) != size.end(); }
};

/// A box of a 4-D array [batch, heads, length, head size] of 2-byte elements, swizzled in shared memory over 64 bytes
/// where its rows have no more, else over 128.
struct TensorMapRequest {
  // The limits of cuTensorMapEncodeTiled, which every device keeps to.
  static constexpr int32_t rank = 4;
  static constexpr int64_t elementBytes = 2;
  static constexpr int64_t alignment = 16; ///< Of the address, strides and rows of the box, in bytes.
  static constexpr int64_t maxSize = int64_t{1} << 32;
  static constexpr int64_t maxStride = (int64_t{1} << 40) - alignment; ///< In bytes.
  static constexpr int32_t maxBoxRows = 256;
  static constexpr int32_t boxColumnStep = alignment / elementBytes;
  static constexpr int32_t maxBoxColumns = 64; ///< 128 bytes, the span of the wider swizzle.

  Value array;        ///< On the device, f16 or bf16.
  int32_t boxRows;    ///< Rows along the length.
  int32_t boxColumns; ///< Elements along the head size.
  MapRows rows = MapRows::All;
  int64_t modulo = 1; ///< Of the classes.

  SPARSE_ATTN_EXPORT TiledArray tile() const;
  int32_t swizzleBytes() const { return boxColumns <= 32 ? 64 : 128; }

  /// Errors: InvalidArgument for what is beyond a limit. The stride of a dimension of size 1 is never used, and passes.
  SPARSE_ATTN_EXPORT Status check() const;
};

/// A device with memory of its own. Thread-safe.
class SPARSE_ATTN_EXPORT Accelerator {
public:
  virtual ~Accelerator();

  /// "cuda" or "sim".
  virtual const char *name() const = 0;
  /// A sentence for people: device, driver.
  virtual std::string description() const = 0;
  /// The architecture that code is best compiled for: "sm_90". The simulated device runs code for any.
  virtual std::string architecture() const { return "sm_80"; }
  /// Streaming multiprocessors: blocks of a kernel that fills one each.
  virtual int32_t multiprocessors() const = 0;

  /// Errors: OutOfMemory, DeviceError.
  virtual Result<std::shared_ptr<DeviceBuffer>> allocate(size_t bytes) const = 0;
  /// Copies and waits, for the copy but for no launch. Like `allocate` and `load`, it may be called while a stream is
  /// captured, be it by another thread and in global mode. Errors: DeviceError.
  virtual Status copyToDevice(void *device, const void *host, size_t bytes) const = 0;
  /// Copies and waits, for the launches on the default stream, too. Errors: DeviceError.
  virtual Status copyToHost(void *host, const void *device, size_t bytes) const = 0;
  /// Waits for all launches. Errors: DeviceError where one of them failed.
  virtual Status synchronize() const = 0;

  /// Errors: Unsupported where the device cannot run any of the images; DeviceError.
  virtual Result<std::shared_ptr<const DeviceKernel>> load(const DeviceImage &image) const = 0;
  /// Errors: as `TensorMapRequest::check`; DeviceError.
  virtual Status encode(const TensorMapRequest &request, TensorMap &map) const = 0;
  /// Starts `blocks` blocks on `stream` (null: the default one). `maps` and `argumentBlock` are read before it returns.
  /// Allocates nothing on a GPU. Errors: DeviceError.
  virtual Status launch(const DeviceKernel &kernel, int64_t blocks, const TensorMap *maps,
                        const uint64_t *argumentBlock, void *stream) const = 0;
};

/// How the simulated device orders what a GPU leaves open.
struct SimulatorOptions {
  enum class Schedule {
    InOrder, ///< Threads run one after the other as far as they get; copies land as late as they may.
    Random,  ///< Any thread that can go on may be next, and copies land at any time.
    Reverse, ///< The last thread that can go on is next; copies land in any order.
  };
  Schedule schedule = Schedule::InOrder;
  uint64_t seed = 1;
  int32_t multiprocessors = 2; ///< Blocks that are resident, and interleaved, at a time.
};

/// The simulated device. Launches run at once. They report deadlocks and races as DeviceError.
///
/// The environment variables SPARSE_ATTN_SIM_SCHEDULE (in_order, random, reverse) and SPARSE_ATTN_SIM_SEED set the
/// options that are not given.
SPARSE_ATTN_EXPORT Result<std::shared_ptr<const Accelerator>> openSimulator();
SPARSE_ATTN_EXPORT std::shared_ptr<const Accelerator> openSimulator(const SimulatorOptions &options);

/// The GPU of the calling thread's current CUDA context; where there is none, the primary context of device 0, which is
/// made current. Errors: Unsupported without a driver or a device.
///
/// A context that the caller destroys is no longer used: the accelerator, its memory, its kernels and plans that use
/// them may only be released then, which leaves what the context had, and whatever has come to its address, alone. It
/// must not be destroyed during a call or a release.
SPARSE_ATTN_EXPORT Result<std::shared_ptr<const Accelerator>> openCuda();

} // namespace sparse_attn

#endif // SPARSE_ATTN_ACCELERATOR_H
