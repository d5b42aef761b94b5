//===- CApi.cpp - The C interface of the runtime --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Thin shells over the C++ classes: null checks, error codes, and no exception
// leaves.
//
//===----------------------------------------------------------------------===//

#include "CApiSupport.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/Sparsity.h"
#include "sparse_attn/TokenOrder.h"

#include <string>

using namespace sparse_attn;
using namespace sparse_attn::capi;

namespace {

/// The last failure of this thread. The fixed text serves where there is no memory for another.
struct LastError {
  std::string text;
  const char *fixed = nullptr;
};

LastError &lastError() {
  thread_local LastError error;
  return error;
}

} // namespace

sparse_attn_status capi::failFixed(sparse_attn_status code, const char *message) noexcept {
  lastError().fixed = message;
  return code;
}

sparse_attn_status capi::report(const Status &status) {
  if (status.isOk())
    return SPARSE_ATTN_OK;
  lastError().text = status.message();
  lastError().fixed = nullptr;
  return static_cast<sparse_attn_status>(status.code());
}

const char *sparse_attn_version(void) { return SPARSE_ATTN_VERSION; }

const char *sparse_attn_last_error(void) {
  const LastError &error = lastError();
  return error.fixed ? error.fixed : error.text.c_str();
}

sparse_attn_status sparse_attn_set_threads(int32_t threads) {
  return guard([&] { return setThreadCount(threads); });
}

sparse_attn_status sparse_attn_artifact_open(const char *path, sparse_attn_artifact **artifact) {
  return make(artifact, {{path, "a path"}}, [&] { return Artifact::open(path); });
}

sparse_attn_status sparse_attn_artifact_from_image(const sparse_attn_image *image, sparse_attn_artifact **artifact) {
  return make(artifact, {}, [&] { return Artifact::fromImage(image); });
}

void sparse_attn_artifact_close(sparse_attn_artifact *artifact) { delete artifact; }

sparse_attn_status sparse_attn_prepare(const sparse_attn_artifact *artifact, const char *function,
                                       const sparse_attn_value *arguments, size_t argument_count,
                                       sparse_attn_plan **plan) {
  return make(plan, {{artifact, "an artifact"}, {function, "the name of a function"}},
              [&] { return Plan::prepare(artifact->artifact, function, {arguments, argument_count}); });
}

sparse_attn_status sparse_attn_fit_sparsity(const sparse_attn_artifact *artifact, const char *function,
                                            sparse_attn_value *arguments, size_t argument_count, const size_t *chosen,
                                            size_t chosen_count, double share) {
  return guard({{artifact, "an artifact"}, {function, "the name of a function"}, {arguments, "arguments"}}, [&] {
    if (!chosen && chosen_count > 0)
      return makeError(StatusCode::InvalidArgument, "expects ", chosen_count, " chosen arguments, but got null");
    Result<const FunctionInfo *> info = Plan::findFunction(artifact->artifact, function);
    if (!info.isOk())
      return info.status();
    std::vector<size_t> numbers = chosen ? std::vector<size_t>(chosen, chosen + chosen_count) : capturedNumbers(**info);
    Result<int64_t> value = fitSparsity(artifact->artifact, function, {arguments, argument_count}, numbers, share);
    if (!value.isOk())
      return value.status();
    for (size_t index : numbers)
      arguments[index] = makeScalar(*value);
    return Status();
  });
}

void sparse_attn_plan_destroy(sparse_attn_plan *plan) { delete plan; }

size_t sparse_attn_workspace_bytes(const sparse_attn_plan *plan) { return plan ? plan->plan->workspaceBytes() : 0; }

size_t sparse_attn_result_bytes(const sparse_attn_plan *plan, size_t result) {
  if (!plan || result >= plan->plan->function().results.size())
    return 0;
  const Shape &shape = plan->plan->resultShape(result);
  int64_t bytes = elementBytes(plan->plan->function().results[result].dtype);
  for (int32_t i = 0; i < shape.rank; ++i)
    bytes *= shape.size[static_cast<size_t>(i)];
  return static_cast<size_t>(bytes);
}

sparse_attn_status sparse_attn_result_sizes(const sparse_attn_plan *plan, size_t result, int32_t *rank,
                                            int64_t *sizes) {
  return guard({{plan, "a plan"}, {rank, "a place for the rank"}, {sizes, "a place for the sizes"}}, [&] {
    size_t count = plan->plan->function().results.size();
    if (result >= count)
      return makeError(StatusCode::InvalidArgument, "expects a result below ", count, ", but got ", result);
    const Shape &shape = plan->plan->resultShape(result);
    *rank = shape.rank;
    std::copy_n(shape.size.begin(), shape.rank, sizes);
    return Status();
  });
}

size_t sparse_attn_plan_device_bytes(const sparse_attn_plan *plan) { return plan ? plan->plan->deviceBytes() : 0; }

sparse_attn_status sparse_attn_plan_tiles(const sparse_attn_plan *plan, int64_t *partial, int64_t *full,
                                          int64_t *total) {
  return guard({{plan, "a plan"}}, [&] {
    TileCounts tiles = plan->plan->tiles();
    if (partial)
      *partial = tiles.partial;
    if (full)
      *full = tiles.full;
    if (total)
      *total = tiles.total;
    return Status();
  });
}

sparse_attn_status sparse_attn_plan_tile_sizes(const sparse_attn_plan *plan, size_t step, int64_t *queries,
                                               int64_t *keys) {
  return guard({{plan, "a plan"}}, [&] {
    if (step >= plan->plan->stepCount())
      return makeError(StatusCode::InvalidArgument, "expects a step below ", plan->plan->stepCount(), ", but got ",
                       step);
    StepInfo info = plan->plan->step(step);
    if (queries)
      *queries = info.variant->tileQ;
    if (keys)
      *keys = info.variant->tileK;
    return Status();
  });
}

sparse_attn_status sparse_attn_launch(const sparse_attn_plan *plan, const sparse_attn_value *arguments,
                                      size_t argument_count, const sparse_attn_value *results, size_t result_count,
                                      void *workspace, size_t workspace_bytes, void *stream) {
  return guard({{plan, "a plan"}}, [&] {
    return plan->plan->launch({arguments, argument_count}, {results, result_count}, workspace, workspace_bytes, stream);
  });
}

sparse_attn_status sparse_attn_order_tokens(int32_t rank, const int64_t *shape, const int64_t *tile, int32_t *order,
                                            size_t count) {
  return guard({{shape, "a shape"}, {order, "a place for the order"}}, [&] {
    if (rank < 1 || rank > 3)
      return makeError(StatusCode::InvalidArgument, "expects a rank of 1 to 3, but got ", rank);
    auto listOf = [&](const int64_t *numbers) { return std::vector<int64_t>(numbers, numbers + rank); };
    Result<std::vector<int32_t>> tokens = orderTokens(listOf(shape), tile ? listOf(tile) : std::vector<int64_t>());
    if (!tokens.isOk())
      return tokens.status();
    if (tokens->size() != count)
      return makeError(StatusCode::InvalidArgument, "expects room for ", tokens->size(), " tokens, but got ", count);
    std::copy(tokens->begin(), tokens->end(), order);
    return Status();
  });
}

sparse_attn_status sparse_attn_reorder_rows(const sparse_attn_value *source, const int32_t *order, size_t count,
                                            int32_t direction, const sparse_attn_value *result) {
  return guard({{source, "a source"}, {order, "an order"}, {result, "a result"}}, [&] {
    if (direction != SPARSE_ATTN_INTO_ORDER && direction != SPARSE_ATTN_OUT_OF_ORDER)
      return makeError(StatusCode::InvalidArgument, "expects a direction of 0 or 1, but got ", direction);
    return reorderRows(*source, std::vector<int32_t>(order, order + count), static_cast<OrderDirection>(direction),
                       *result);
  });
}
