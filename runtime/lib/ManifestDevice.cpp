//===- ManifestDevice.cpp - What a manifest says of GPU code --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ManifestDevice.h"

#include "sparse_attn/Accelerator.h"

namespace sparse_attn {

const char *arrayName(TensorBox::Array array) {
  switch (array) {
  case TensorBox::Array::Query:
    return "query";
  case TensorBox::Array::Key:
    return "key";
  case TensorBox::Array::Value:
    return "value";
  case TensorBox::Array::Output:
    break;
  }
  return "output";
}

namespace {

/// What every GPU has, and what the largest shared memory of a block is (227 KiB, of capability 9.0).
constexpr int64_t warpThreads = 32;
constexpr int64_t maxThreads = 1024;
constexpr int64_t maxSharedBytes = 227 * 1024;
/// Blocks that a multiprocessor has at a time at most, whatever its capability.
constexpr int64_t maxResidentBlocks = 32;

TensorBox::Array parseBoxArray(const JsonNode &node) {
  std::string name = node.string();
  for (TensorBox::Array array :
       {TensorBox::Array::Query, TensorBox::Array::Key, TensorBox::Array::Value, TensorBox::Array::Output})
    if (name == arrayName(array))
      return array;
  node.fail("expects query, key, value or output, but got '", name, "'");
  return TensorBox::Array::Query;
}

TensorBox parseBox(const JsonNode &node) {
  using Limits = TensorMapRequest;
  TensorBox box;
  box.array = parseBoxArray(node.member("array"));
  box.rows = static_cast<int32_t>(node.member("rows").integer(1, Limits::maxBoxRows));
  box.columns = static_cast<int32_t>(node.member("columns").integer(Limits::boxColumnStep, Limits::maxBoxColumns));
  if (box.columns % Limits::boxColumnStep != 0)
    node.member("columns").fail("expects a multiple of ", Limits::boxColumnStep, ", but got ", box.columns);
  if (!node.has("classes"))
    return box;
  std::string classes = node.member("classes").string();
  if (classes != "long" && classes != "short")
    node.member("classes").fail("expects long or short, but got '", classes, "'");
  box.reach = classes == "long" ? MapRows::LongClasses : MapRows::ShortClasses;
  return box;
}

} // namespace

DeviceCode parseDevice(const JsonNode &node, DType dtype) {
  DeviceCode device;
  device.symbol = node.member("symbol").string();
  if (device.symbol.empty())
    node.member("symbol").fail("expects the name of a kernel, but got ''");
  device.threads = static_cast<int32_t>(node.member("threads").integer(warpThreads, maxThreads));
  if (device.threads % warpThreads != 0)
    node.member("threads").fail("expects a multiple of ", warpThreads, ", but got ", device.threads);
  device.sharedBytes = static_cast<int32_t>(node.member("shared_bytes").integer(0, maxSharedBytes));
  device.ptx = node.optionalIndex("ptx");
  device.cubin = node.optionalIndex("cubin");
  device.persistent = node.member("persistent").boolean();
  device.blocksPerMultiprocessor =
      static_cast<int32_t>(node.member("blocks_per_multiprocessor").integer(1, maxResidentBlocks));
  JsonNode maps = node.member("maps");
  size_t count = maps.size();
  if (count > maxTensorMaps)
    maps.fail("expects at most ", maxTensorMaps, " maps, but got ", count);
  if (count > 0 && dtype == DType::F32)
    maps.fail("expects maps of f16 or bf16 arrays only, but got f32");
  for (size_t i = 0; i < count && node.ok(); ++i)
    device.maps.push_back(parseBox(maps.element(i)));
  return device;
}

} // namespace sparse_attn
