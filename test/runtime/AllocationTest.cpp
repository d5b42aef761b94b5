//===- AllocationTest.cpp - Launches allocate nothing ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces operator new in the test program, which the runtime library then
// uses too, and counts.
//
//===----------------------------------------------------------------------===//

#include "Problem.h"
#include "RecordingAccelerator.h"

#include "sparse_attn/masks.h"

#include <functional>
#include <new>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {
thread_local size_t allocations = 0;
/// Allocations from this number on fail; 0 lets all succeed.
thread_local size_t firstToFail = 0;
} // namespace

// Not inlined, or GCC 12 pairs one half with the library's other half, and warns.
[[gnu::noinline]] void *operator new(size_t bytes) {
  if (++allocations >= firstToFail && firstToFail != 0)
    throw std::bad_alloc();
  if (void *memory = std::malloc(bytes > 0 ? bytes : 1))
    return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void *operator new(size_t bytes, const std::nothrow_t &) noexcept {
  return ++allocations >= firstToFail && firstToFail != 0 ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
}
[[gnu::noinline]] void operator delete(void *memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace {

TEST(Allocation, LaunchAllocatesNothing) {
  ThreadScope scope(1);
  Problem problem({2, 4, 2, 61, 61});
  Documents documents(2, 61, 30);
  std::vector<Value> arguments = problem.arguments({makeScalar(6), makeScalar(6), documents.captured()});
  std::vector<Value> results = problem.results(false);
  size_t before = allocations;
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(linkedArtifact(), "two_steps", arguments);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  EXPECT_GT(allocations, before) << "the count must see the runtime library";
  Workspace workspace((*plan)->workspaceBytes());
  before = allocations;
  Status status = (*plan)->launch(arguments, results, workspace.memory.get(), workspace.bytes);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(status.isOk());
}

TEST(Allocation, LaunchOnAnAcceleratorAllocatesNothing) {
  ThreadScope scope(1);
  // bf16 arrays fit where floats do.
  Problem problem({2, 4, 2, 61, 61});
  Documents documents(2, 61, 30);
  std::vector<Value> arguments = problem.arguments({makeScalar(6), makeScalar(6), documents.captured()});
  std::vector<Value> results = problem.results(false);
  for (std::vector<Value> *list : {&arguments, &results})
    for (Value &value : *list)
      if (value.rank == 4)
        value.dtype = SPARSE_ATTN_BF16;
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::fromImage(&handwritten_gpu_sparse_attn_image);
  ASSERT_TRUE(artifact.isOk()) << artifact.status().message();
  auto device = std::make_shared<RecordingAccelerator>();
  device->record = false;
  PrepareOptions options;
  options.accelerator = device;
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(*artifact, "two_steps", arguments, options);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  Workspace workspace((*plan)->workspaceBytes());
  size_t before = allocations;
  Status status = (*plan)->launch(arguments, results, workspace.memory.get(), workspace.bytes);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(status.isOk()) << status.message();
}

// Opening an artifact is left out: the JSON library allocates in its destructor, and ends the program if that fails.
void expectFailuresReported(const sparse_attn_image &image, const std::vector<Value> &arguments) {
  sparse_attn_artifact *artifact = nullptr;
  ASSERT_EQ(sparse_attn_artifact_from_image(&image, &artifact), SPARSE_ATTN_OK);
  bool succeeded = false;
  for (size_t allowed = 1; !succeeded && allowed < 10000; ++allowed) {
    sparse_attn_plan *plan = nullptr;
    firstToFail = allocations + allowed;
    sparse_attn_status status = sparse_attn_prepare(artifact, "two_steps", arguments.data(), arguments.size(), &plan);
    firstToFail = 0;
    succeeded = status == SPARSE_ATTN_OK;
    if (!succeeded) {
      ASSERT_EQ(status, SPARSE_ATTN_OUT_OF_MEMORY) << sparse_attn_last_error();
      ASSERT_STREQ(sparse_attn_last_error(), "expects enough memory, but got none");
      ASSERT_EQ(plan, nullptr);
    }
    sparse_attn_plan_destroy(plan);
  }
  sparse_attn_artifact_close(artifact);
  EXPECT_TRUE(succeeded);
}

TEST(Allocation, EveryFailureOfPrepareIsReported) {
  ThreadScope scope(1);
  Problem problem({1, 2, 2, 20, 20});
  Documents documents(1, 20, 5);
  std::vector<Value> arguments = problem.arguments({makeScalar(6), makeScalar(6), documents.captured()});
  expectFailuresReported(handwritten_sparse_attn_image, arguments);
  for (Value &value : arguments)
    if (value.rank == 4)
      value.dtype = SPARSE_ATTN_BF16;
  setenv("SPARSE_ATTN_DEVICE", "sim", 1);
  expectFailuresReported(handwritten_gpu_sparse_attn_image, arguments);
  unsetenv("SPARSE_ATTN_DEVICE");
}

/// What the program below makes.
struct MaskProgram {
  ~MaskProgram() {
    sparse_attn_mask_builder_destroy(builder);
    sparse_attn_bytes_destroy(bytes);
    for (sparse_attn_block_mask *mask : {mask, transposed, combined, loaded})
      sparse_attn_mask_destroy(mask);
  }

  /// The first failure, or success.
  sparse_attn_status run(int32_t representation) {
    const sparse_attn_mask_grid grid = {40, 40, 16, 16};
    const uint32_t keys[] = {3, 30, 17};
    const sparse_attn_freeze_options options = {representation, 1};
    for (const std::function<sparse_attn_status()> &call : std::initializer_list<std::function<sparse_attn_status()>>{
             [&] { return sparse_attn_mask_builder_create(&grid, &builder); },
             [&] { return sparse_attn_mask_add_window(builder, 2, 0); },
             [&] { return sparse_attn_mask_add_attention(builder, 7, keys, 3); },
             [&] { return sparse_attn_mask_builder_freeze(builder, &options, &mask); },
             [&] { return sparse_attn_mask_transpose(mask, 1, &transposed); },
             [&] { return sparse_attn_mask_or(mask, transposed, &options, &combined); },
             [&] { return sparse_attn_mask_row_count(combined, 7, &rowCount); },
             [&] { return sparse_attn_mask_save_buffer(combined, &bytes); },
             [&] {
               return sparse_attn_mask_load_buffer(sparse_attn_bytes_data(bytes), sparse_attn_bytes_size(bytes),
                                                   nullptr, &loaded);
             }})
      if (sparse_attn_status status = call(); status != SPARSE_ATTN_OK)
        return status;
    return SPARSE_ATTN_OK;
  }

  sparse_attn_mask_builder *builder = nullptr;
  sparse_attn_bytes *bytes = nullptr;
  sparse_attn_block_mask *mask = nullptr, *transposed = nullptr, *combined = nullptr, *loaded = nullptr;
  uint32_t rowCount = 0;
};

TEST(Allocation, EveryFailureOfAMaskIsReported) {
  ThreadScope scope(1);
  // What the library makes at the first use of a mask would shift the count.
  ASSERT_EQ(MaskProgram().run(SPARSE_ATTN_ROARING), SPARSE_ATTN_OK) << sparse_attn_last_error();
  for (int32_t representation : {SPARSE_ATTN_TERMS_AND_ROWS, SPARSE_ATTN_PACKED_BITS, SPARSE_ATTN_ROARING}) {
    bool succeeded = false;
    for (size_t allowed = 1; !succeeded && allowed < 10000; ++allowed) {
      MaskProgram program;
      firstToFail = allocations + allowed;
      sparse_attn_status status = program.run(representation);
      firstToFail = 0;
      succeeded = status == SPARSE_ATTN_OK;
      ASSERT_TRUE(succeeded || status == SPARSE_ATTN_OUT_OF_MEMORY) << sparse_attn_last_error();
    }
    EXPECT_TRUE(succeeded);
  }
}

} // namespace
