//===- SparseAttnOps.td - All ops of the dialect -----------*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "dialect/Attention.td"
include "dialect/Patterns.td"
include "dialect/Schedule.td"
include "dialect/Tile.td"
include "dialect/Weights.td"
