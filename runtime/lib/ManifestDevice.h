//===- ManifestDevice.h - What a manifest says of GPU code ----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MANIFESTDEVICE_H
#define SPARSE_ATTN_LIB_MANIFESTDEVICE_H

#include "JsonNode.h"
#include "sparse_attn/Manifest.h"

namespace sparse_attn {

/// Parses the `device` of a variant, whose kernel is for arrays of `dtype`; fails, with a default, where it is invalid.
DeviceCode parseDevice(const JsonNode &node, DType dtype);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_MANIFESTDEVICE_H
