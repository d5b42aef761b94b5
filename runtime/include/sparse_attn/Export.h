//===- Export.h - What the runtime library exports ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The library hides every symbol but those marked here, so that the C++
// libraries it is built from never clash with those of the program.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_EXPORT_H
#define SPARSE_ATTN_EXPORT_H

/// Marks a class or function that users of the library may call.
#define SPARSE_ATTN_EXPORT __attribute__((visibility("default")))

#endif // SPARSE_ATTN_EXPORT_H
