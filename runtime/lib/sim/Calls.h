//===- Calls.h - The calls of a simulated kernel by name --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_CALLS_H
#define SPARSE_ATTN_LIB_SIM_CALLS_H

namespace sparse_attn::sim {

/// In the order of the table.
enum class Call {
#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...) name,
#include "sparse_attn/SimulatorCalls.def"
};

const char *callName(Call call);

/// The table that a simulated kernel is given; one for all launches.
const void *const *callTable();

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_CALLS_H
