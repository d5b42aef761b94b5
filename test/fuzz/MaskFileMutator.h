//===- MaskFileMutator.h - Changes of mask files --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_FUZZ_MASKFILEMUTATOR_H
#define SPARSE_ATTN_TEST_FUZZ_MASKFILEMUTATOR_H

#include "mask/MaskFileFormat.h"

#include <cstdint>
#include <vector>

/// Makes sizes and checksums of the header fit what follows it. Does nothing to bytes without a header.
void sealMaskFile(uint8_t *bytes, size_t size);

#endif // SPARSE_ATTN_TEST_FUZZ_MASKFILEMUTATOR_H
