//===- Problem.cpp - A prepared kernel and its arrays ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include "Error.h"

#include "sparse_attn/NumericTypes.h"
#include "sparse_attn/Reference.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace sparse_attn::bench {

namespace {

/// Fills an array with uniform numbers of mean 0 and variance 1, from a linear congruence (Knuth's MMIX).
void fillRandom(void *data, DType dtype, int64_t elements, uint64_t seed) {
  const float halfWidth = std::sqrt(3.0f);
  uint64_t state = seed;
  for (int64_t i = 0; i < elements; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    float x = halfWidth * static_cast<float>(static_cast<int32_t>(state >> 32)) / 2147483648.0f;
    if (dtype == DType::F32)
      static_cast<float *>(data)[i] = x;
    else
      static_cast<uint16_t *>(data)[i] = dtype == DType::F16 ? floatToF16(x) : floatToBf16(x);
  }
}

/// Largest error, relative to the largest value, that a kernel may have.
double toleranceOf(DType dtype) { return dtype == DType::F32 ? 2e-6 : dtype == DType::F16 ? 1e-3 : 8e-3; }

size_t alignedBytes(size_t bytes) { return std::max<size_t>(bytes + 63, 64) / 64 * 64; }

} // namespace

Buffer::Buffer(size_t bytes) : memory(std::aligned_alloc(64, alignedBytes(bytes))) {
  if (!memory)
    throw std::bad_alloc();
}

Arrays::Arrays(DType dtype, int64_t heads, int64_t length, int64_t headSize)
    : dtype(dtype), heads(heads), length(length), headSize(headSize) {
  int64_t elements = heads * length * headSize;
  for (uint64_t array = 0; array < 4; ++array) {
    buffers.emplace_back(static_cast<size_t>(elements * elementBytes(dtype)));
    fillRandom(buffers.back().data(), dtype, elements, array + 1);
  }
}

Value Arrays::view(size_t array, int64_t rows) const {
  return makeArray(buffers[array].data(), dtype, Shape{4, {1, heads, rows, headSize}},
                   {heads * length * headSize, length * headSize, headSize, 1});
}

std::vector<Value> Arrays::arguments(int64_t rows) const { return {view(0, rows), view(1, rows), view(2, rows)}; }

Value Arrays::result(int64_t rows) const { return view(3, rows); }

float Arrays::element(size_t array, int64_t i) const {
  const void *data = buffers[array].data();
  if (dtype == DType::F32)
    return static_cast<const float *>(data)[i];
  uint16_t bits = static_cast<const uint16_t *>(data)[i];
  return dtype == DType::F16 ? f16ToFloat(bits) : bf16ToFloat(bits);
}

std::shared_ptr<const Plan> prepare(std::shared_ptr<const Artifact> artifact, const std::vector<Value> &arguments,
                                    const PrepareOptions &options) {
  return valueOf(Plan::prepare(std::move(artifact), "attention", arguments, options));
}

namespace {

std::vector<Value> withDocument(std::vector<Value> arguments, const std::vector<int32_t> *document) {
  if (document)
    arguments.push_back(makeArray(document->data(), DType::I32, Shape{1, {static_cast<int64_t>(document->size())}}));
  return arguments;
}

} // namespace

Problem::Problem(std::shared_ptr<const Artifact> artifact, const Arrays &arrays, int64_t length,
                 const std::vector<int32_t> *document)
    : arrays(arrays), length(length), arguments(withDocument(arrays.arguments(length), document)),
      results{arrays.result(length)}, prepared(prepare(std::move(artifact), arguments)),
      workspace(prepared->workspaceBytes()) {}

void Problem::launch() const {
  bench::check(prepared->launch(arguments, results, workspace.data(), prepared->workspaceBytes()));
}

void Problem::check(const Pattern &pattern) const {
  int64_t d = arrays.headSize;
  std::array<int64_t, 4> size = {1, 1, length, d};
  std::vector<float> copies[3];
  for (size_t array = 0; array < 3; ++array)
    for (int64_t i = 0; i < length * d; ++i)
      copies[array].push_back(arrays.element(array, i));
  std::vector<uint8_t> attends(static_cast<size_t>(length));
  std::vector<double> expected(static_cast<size_t>(d));
  for (int64_t row : {int64_t(0), length / 3, length / 2 + 63, length - 1}) {
    for (int64_t k = 0; k < length; ++k)
      attends[static_cast<size_t>(k)] = pattern.attends(row, k);
    referenceRow(makeFloatView(copies[0].data(), size), makeFloatView(copies[1].data(), size),
                 makeFloatView(copies[2].data(), size), 1 / std::sqrt(static_cast<double>(d)), attends.data(), 0, 0,
                 row, expected.data());
    double error = 0;
    for (int64_t i = 0; i < d; ++i)
      error = std::max(error, std::abs(arrays.element(3, row * d + i) - expected[static_cast<size_t>(i)]));
    // The values lie within the square root of 3.
    if (!(error <= toleranceOf(arrays.dtype) * std::sqrt(3.0)))
      fail("row ", row, " is wrong by ", error);
  }
}

} // namespace sparse_attn::bench
