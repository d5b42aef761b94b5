//===- CudaTensorMap.cpp - Tensor maps for the CUDA driver ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaTensorMap.h"

#include <algorithm>
#include <array>

namespace sparse_attn {

namespace {

constexpr int32_t maxRank = TiledArray::maxRank;
constexpr int64_t alignment = TensorMapRequest::alignment;
constexpr int64_t maxStride = TensorMapRequest::maxStride;
constexpr int64_t bytesPerElement = TensorMapRequest::elementBytes;

/// What the driver is told, innermost first.
struct MapArguments {
  CudaElementType type;
  uint32_t rank;
  void *address;
  std::array<uint64_t, maxRank> sizes;
  std::array<uint64_t, maxRank - 1> strides; ///< In bytes, from the second dimension on.
  std::array<uint32_t, maxRank> box;
};

/// A stride that the driver accepts for a dimension of size 1: as if the array were contiguous from the dimension
/// inside of it, as far as the limits allow.
int64_t idleStride(int64_t innerStride, int64_t innerSize) {
  if (innerStride > maxStride / innerSize)
    return maxStride;
  int64_t bytes = std::max<int64_t>(innerStride * innerSize, 1);
  return (bytes + alignment - 1) / alignment * alignment;
}

MapArguments describe(const TensorMapRequest &request) {
  TiledArray tiled = request.tile();
  MapArguments arguments;
  arguments.type = request.array.dtype == SPARSE_ATTN_F16 ? CudaElementType::F16 : CudaElementType::BF16;
  arguments.rank = static_cast<uint32_t>(tiled.rank);
  arguments.address = tiled.address;
  arguments.box.fill(1);
  arguments.box[0] = static_cast<uint32_t>(request.boxColumns);
  arguments.box[static_cast<size_t>(tiled.rowDimension)] = static_cast<uint32_t>(request.boxRows);
  arguments.sizes[0] = static_cast<uint64_t>(tiled.size[0]);
  int64_t stride = bytesPerElement;
  for (size_t i = 1; i < maxRank; ++i) {
    stride = tiled.size[i] == 1 ? idleStride(stride, tiled.size[i - 1]) : tiled.stride[i] * bytesPerElement;
    arguments.sizes[i] = static_cast<uint64_t>(tiled.size[i]);
    arguments.strides[i - 1] = static_cast<uint64_t>(stride);
  }
  return arguments;
}

Status checkSupport(const CudaDevice &device) {
  if (device.major < 9)
    return makeError(StatusCode::Unsupported, "expects a device of sm_90 or later for tensor maps, but got ",
                     device.architecture(), " (", device.name, ")");
  if (!device.driver().cuTensorMapEncodeTiled)
    return makeError(StatusCode::Unsupported, "expects a driver with cuTensorMapEncodeTiled (CUDA 12.0), but got ",
                     cudaVersionText(device.driverVersion), " without it");
  return {};
}

} // namespace

Status encodeTensorMap(const CudaDevice &device, const TensorMapRequest &request, TensorMap &map) {
  if (Status status = checkSupport(device); !status.isOk())
    return status;
  if (Status status = request.check(); !status.isOk())
    return status;
  CudaScope scope(device.context);
  if (!scope.isOk())
    return scope.status();
  MapArguments arguments = describe(request);
  constexpr uint32_t steps[maxRank] = {1, 1, 1, 1, 1};
  CudaResult result = device.driver().cuTensorMapEncodeTiled(
      &map, arguments.type, arguments.rank, arguments.address, arguments.sizes.data(), arguments.strides.data(),
      arguments.box.data(), steps, CudaInterleave::None,
      request.swizzleBytes() == 64 ? CudaSwizzle::Bytes64 : CudaSwizzle::Bytes128, CudaL2Promotion::Bytes128,
      CudaOutOfBoundsFill::Zero);
  return device.driver().check(result, "cuTensorMapEncodeTiled of ", shapeOf(request.array), " in boxes of ",
                               request.boxRows, " x ", request.boxColumns);
}

} // namespace sparse_attn
