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

constexpr int32_t rank = TensorMapRequest::rank;
constexpr int32_t innermost = rank - 1;
constexpr int64_t alignment = TensorMapRequest::alignment;
constexpr int64_t maxStride = TensorMapRequest::maxStride;
constexpr int64_t bytesPerElement = TensorMapRequest::elementBytes;

/// What the driver is told, innermost first.
struct TiledArray {
  CudaElementType type;
  std::array<uint64_t, rank> sizes;
  std::array<uint64_t, rank - 1> strides; ///< In bytes, from the second dimension on.
  std::array<uint32_t, rank> box;
};

/// A stride that the driver accepts for a dimension of size 1: as if the array were contiguous from the dimension
/// inside of it, as far as the limits allow.
int64_t idleStride(int64_t innerStride, int64_t innerSize) {
  if (innerStride > maxStride / innerSize)
    return maxStride;
  int64_t bytes = std::max<int64_t>(innerStride * innerSize, 1);
  return (bytes + alignment - 1) / alignment * alignment;
}

TiledArray describe(const TensorMapRequest &request) {
  const Value &array = request.array;
  TiledArray tiled;
  tiled.type = array.dtype == SPARSE_ATTN_F16 ? CudaElementType::F16 : CudaElementType::BF16;
  tiled.box = {static_cast<uint32_t>(request.boxColumns), static_cast<uint32_t>(request.boxRows), 1, 1};
  int64_t stride = bytesPerElement;
  for (int32_t dimension = innermost; dimension >= 0; --dimension) {
    int64_t size = array.size[dimension];
    size_t place = static_cast<size_t>(innermost - dimension);
    tiled.sizes[place] = static_cast<uint64_t>(size);
    if (dimension == innermost)
      continue;
    stride = size == 1 ? idleStride(stride, array.size[dimension + 1]) : array.stride[dimension] * bytesPerElement;
    tiled.strides[place - 1] = static_cast<uint64_t>(stride);
  }
  return tiled;
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
  TiledArray tiled = describe(request);
  constexpr uint32_t steps[rank] = {1, 1, 1, 1};
  CudaResult result = device.driver().cuTensorMapEncodeTiled(
      &map, tiled.type, rank, request.array.data, tiled.sizes.data(), tiled.strides.data(), tiled.box.data(), steps,
      CudaInterleave::None, request.swizzleBytes() == 64 ? CudaSwizzle::Bytes64 : CudaSwizzle::Bytes128,
      CudaL2Promotion::Bytes128, CudaOutOfBoundsFill::Zero);
  return device.driver().check(result, "cuTensorMapEncodeTiled of ", shapeOf(request.array), " in boxes of ",
                               request.boxRows, " x ", request.boxColumns);
}

} // namespace sparse_attn
