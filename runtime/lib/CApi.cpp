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

#include "sparse_attn/Artifact.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/Plan.h"
#include "sparse_attn/sparse_attn.h"

#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

using namespace sparse_attn;

struct sparse_attn_artifact {
  std::shared_ptr<const Artifact> artifact;
};

struct sparse_attn_plan {
  std::shared_ptr<const Plan> plan;
};

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

sparse_attn_status failFixed(sparse_attn_status code, const char *message) {
  lastError().fixed = message;
  return code;
}

sparse_attn_status report(const Status &status) {
  if (status.isOk())
    return SPARSE_ATTN_OK;
  lastError().text = status.message();
  lastError().fixed = nullptr;
  return static_cast<sparse_attn_status>(status.code());
}

sparse_attn_status expectsNonNull(const char *what) {
  return report(makeError(StatusCode::InvalidArgument, "expects ", what, ", but got null"));
}

/// Runs a call; exceptions become codes.
template <typename Call> sparse_attn_status guard(const Call &call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc &) {
    return failFixed(SPARSE_ATTN_OUT_OF_MEMORY, "expects enough memory, but got none");
  } catch (const std::length_error &) {
    return failFixed(SPARSE_ATTN_OUT_OF_MEMORY, "expects enough memory, but got a request beyond all memory");
  } catch (...) {
    return failFixed(SPARSE_ATTN_DEVICE_ERROR, "expects the thread pool to work, but got a failure");
  }
}

/// Hands a C++ object over to the caller, in a handle.
template <typename Handle, typename Object> sparse_attn_status handOver(Result<Object> made, Handle **handle) {
  if (!made.isOk())
    return report(made.status());
  *handle = new Handle{std::move(*made)};
  return SPARSE_ATTN_OK;
}

} // namespace

const char *sparse_attn_version(void) { return SPARSE_ATTN_VERSION; }

const char *sparse_attn_last_error(void) {
  const LastError &error = lastError();
  return error.fixed ? error.fixed : error.text.c_str();
}

sparse_attn_status sparse_attn_set_threads(int32_t threads) {
  return guard([&] { return report(setThreadCount(threads)); });
}

sparse_attn_status sparse_attn_artifact_open(const char *path, sparse_attn_artifact **artifact) {
  return guard([&] {
    if (!artifact)
      return expectsNonNull("a place for the artifact");
    *artifact = nullptr;
    if (!path)
      return expectsNonNull("a path");
    return handOver(Artifact::open(path), artifact);
  });
}

sparse_attn_status sparse_attn_artifact_from_image(const sparse_attn_image *image, sparse_attn_artifact **artifact) {
  return guard([&] {
    if (!artifact)
      return expectsNonNull("a place for the artifact");
    *artifact = nullptr;
    return handOver(Artifact::fromImage(image), artifact);
  });
}

void sparse_attn_artifact_close(sparse_attn_artifact *artifact) { delete artifact; }

sparse_attn_status sparse_attn_prepare(const sparse_attn_artifact *artifact, const char *function,
                                       const sparse_attn_value *arguments, size_t argument_count,
                                       sparse_attn_plan **plan) {
  return guard([&] {
    if (!plan)
      return expectsNonNull("a place for the plan");
    *plan = nullptr;
    if (!artifact)
      return expectsNonNull("an artifact");
    if (!function)
      return expectsNonNull("the name of a function");
    return handOver(Plan::prepare(artifact->artifact, function, {arguments, argument_count}), plan);
  });
}

void sparse_attn_plan_destroy(sparse_attn_plan *plan) { delete plan; }

size_t sparse_attn_workspace_bytes(const sparse_attn_plan *plan) { return plan ? plan->plan->workspaceBytes() : 0; }

sparse_attn_status sparse_attn_plan_tiles(const sparse_attn_plan *plan, int64_t *partial, int64_t *full,
                                          int64_t *total) {
  return guard([&] {
    if (!plan)
      return expectsNonNull("a plan");
    TileCounts tiles = plan->plan->tiles();
    if (partial)
      *partial = tiles.partial;
    if (full)
      *full = tiles.full;
    if (total)
      *total = tiles.total;
    return SPARSE_ATTN_OK;
  });
}

sparse_attn_status sparse_attn_launch(const sparse_attn_plan *plan, const sparse_attn_value *arguments,
                                      size_t argument_count, const sparse_attn_value *results, size_t result_count,
                                      void *workspace, size_t workspace_bytes, void *stream) {
  return guard([&] {
    if (!plan)
      return expectsNonNull("a plan");
    if (stream)
      return report(makeError(StatusCode::InvalidArgument, "expects a null stream on the CPU, but got ", stream));
    return report(plan->plan->launch({arguments, argument_count}, {results, result_count}, workspace, workspace_bytes));
  });
}
