//===- CudaGpuTest.cpp - The same on a GPU, where there is one ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Accelerator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace sparse_attn;

namespace {

/// Writes block[1] + i to element i of the i64 array at block[0], in block i.
constexpr const char *ptx = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry count(.param .align 8 .b8 block[16])
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [block];
  ld.param.u64 %rd2, [block+8];
  mov.u32 %r1, %ctaid.x;
  cvt.u64.u32 %rd3, %r1;
  add.u64 %rd4, %rd2, %rd3;
  shl.b64 %rd5, %rd3, 3;
  add.u64 %rd5, %rd1, %rd5;
  st.global.u64 [%rd5], %rd4;
  ret;
}
)";

DeviceImage makeImage(const char *text) {
  DeviceImage image;
  image.symbol = "count";
  image.ptx = text;
  image.major = 8;
  image.threads = 1;
  image.sharedBytes = 64 * 1024;
  image.blockBytes = 16;
  return image;
}

class CudaGpu : public testing::Test {
protected:
  void SetUp() override {
    Result<std::shared_ptr<const Accelerator>> opened = openCuda();
    if (!opened.isOk())
      GTEST_SKIP() << opened.status().message();
    accelerator = *opened;
  }

  std::shared_ptr<const Accelerator> accelerator;
};

TEST_F(CudaGpu, RunsAKernel) {
  EXPECT_GT(accelerator->multiprocessors(), 0);
  EXPECT_THAT(accelerator->description(), testing::HasSubstr("(sm_"));
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage(ptx));
  ASSERT_TRUE(kernel.isOk()) << kernel.status().message();
  std::vector<int64_t> result(1000);
  Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(result.size() * sizeof(int64_t));
  ASSERT_TRUE(buffer.isOk()) << buffer.status().message();
  uint64_t block[2] = {reinterpret_cast<uint64_t>((*buffer)->data()), 42};
  Status status = accelerator->launch(**kernel, 1000, nullptr, block, nullptr);
  ASSERT_TRUE(status.isOk()) << status.message();
  status = accelerator->synchronize();
  ASSERT_TRUE(status.isOk()) << status.message();
  status = accelerator->copyToHost(result.data(), (*buffer)->data(), (*buffer)->bytes());
  ASSERT_TRUE(status.isOk()) << status.message();
  for (size_t i = 0; i < result.size(); ++i)
    ASSERT_EQ(result[i], static_cast<int64_t>(42 + i));
}

TEST_F(CudaGpu, PtxErrorsComeWithTheLog) {
  std::string text = ptx;
  text.replace(text.find("add.u64"), 7, "odd.u64");
  EXPECT_THAT(accelerator->load(makeImage(text.c_str())).status().message(), testing::HasSubstr("odd"));
}

TEST_F(CudaGpu, EncodesTensorMaps) {
  Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(64 * 1024);
  ASSERT_TRUE(buffer.isOk()) << buffer.status().message();
  TensorMap map;
  std::array<int64_t, 4> headsInside = {0, 64, 128, 1}, broadcast = {0, 0, 64, 1}, idle = {-7, 3, 64, 1};
  for (const Value &array : {makeArray((*buffer)->data(), DType::F16, Shape{4, {1, 2, 100, 64}}),
                             makeArray((*buffer)->data(), DType::BF16, Shape{4, {1, 2, 100, 64}}, headsInside),
                             makeArray((*buffer)->data(), DType::F16, Shape{4, {2, 4, 100, 64}}, broadcast),
                             makeArray((*buffer)->data(), DType::F16, Shape{4, {1, 1, 100, 64}}, idle),
                             makeArray((*buffer)->data(), DType::F16, Shape{4, {1, 3, 1, 20}}, {3, 24, 3, 1})}) {
    Status status = accelerator->encode({array, 64, 64}, map);
    if (status.code() == StatusCode::Unsupported)
      GTEST_SKIP() << status.message();
    EXPECT_TRUE(status.isOk()) << status.message();
  }
}

} // namespace
