//===- CApiSupport.h - What every function of the C interface does -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions of the C interface are thin shells over the C++ classes: null
// checks, error codes, no exception leaves, and lists go to memory of the
// caller. This is written once here. The handles that several files use are
// defined here as well.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CAPISUPPORT_H
#define SPARSE_ATTN_LIB_CAPISUPPORT_H

#include "sparse_attn/Artifact.h"
#include "sparse_attn/BlockMask.h"
#include "sparse_attn/Plan.h"
#include "sparse_attn/Status.h"
#include "sparse_attn/masks.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

struct sparse_attn_artifact {
  std::shared_ptr<const sparse_attn::Artifact> artifact;
};

struct sparse_attn_plan {
  std::shared_ptr<const sparse_attn::Plan> plan;
};

/// Plans read tables of these as tables of `const BlockMask *`.
struct sparse_attn_block_mask {
  sparse_attn::BlockMask mask;
};
static_assert(std::is_standard_layout_v<sparse_attn_block_mask>, "a pointer to a handle points to its mask");
static_assert(offsetof(sparse_attn_block_mask, mask) == 0, "a pointer to a handle points to its mask");

struct sparse_attn_bytes {
  std::vector<uint8_t> bytes;
};

namespace sparse_attn::capi {

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

/// Notes a failure as the last one of this thread; returns its code.
sparse_attn_status report(const Status &status);
/// The same for a text in static storage, which needs no memory.
sparse_attn_status failFixed(sparse_attn_status code, const char *message) noexcept;

/// A pointer that must not be null, and what it points to.
struct Required {
  const void *pointer;
  const char *what;
};

/// Errors: InvalidArgument for the first that is null.
inline Status checkNonNull(std::initializer_list<Required> required) {
  for (const Required &each : required)
    if (!each.pointer)
      return makeError(StatusCode::InvalidArgument, "expects ", each.what, ", but got null");
  return {};
}

/// Runs a call that returns a Status; failures and exceptions become codes.
template <typename Call> sparse_attn_status guard(const Call &call) noexcept {
  try {
    return report(call());
  } catch (const std::bad_alloc &) {
    return failFixed(SPARSE_ATTN_OUT_OF_MEMORY, "expects enough memory, but got none");
  } catch (const std::length_error &) {
    return failFixed(SPARSE_ATTN_OUT_OF_MEMORY, "expects enough memory, but got a request beyond all memory");
  } catch (...) {
    return failFixed(SPARSE_ATTN_DEVICE_ERROR, "expects the thread pool to work, but got a failure");
  }
}

/// The same for a call with pointers that must not be null.
template <typename Call> sparse_attn_status guard(std::initializer_list<Required> required, const Call &call) noexcept {
  return guard([&] {
    Status status = checkNonNull(required);
    return status.isOk() ? call() : status;
  });
}

/// Runs a call that returns a Result, and hands the object over to the caller, in a handle.
template <typename Handle, typename Make>
sparse_attn_status make(Handle **place, std::initializer_list<Required> required, const Make &call) noexcept {
  if (place)
    *place = nullptr;
  return guard([&]() -> Status {
    if (Status status = checkNonNull({{place, "a place for the result"}}); !status.isOk())
      return status;
    if (Status status = checkNonNull(required); !status.isOk())
      return status;
    auto made = call();
    if (!made.isOk())
      return made.status();
    *place = new Handle{std::move(*made)};
    return {};
  });
}

//===----------------------------------------------------------------------===//
// Options and lists
//===----------------------------------------------------------------------===//

/// Calls use(FreezeOptions), unless `options` (null: the default) are wrong.
template <typename Use>
auto withFreezeOptions(const sparse_attn_freeze_options *options, const Use &use) -> decltype(use(FreezeOptions())) {
  if (!options)
    return use(FreezeOptions());
  if (options->representation < SPARSE_ATTN_AUTOMATIC || options->representation > SPARSE_ATTN_ROARING)
    return makeError(StatusCode::InvalidArgument, "expects a representation of 0 to 3, but got ",
                     options->representation);
  if (options->threads < 0)
    return makeError(StatusCode::InvalidArgument, "expects at least 0 threads, but got ", options->threads);
  return use(FreezeOptions{static_cast<Representation>(options->representation), options->threads});
}

/// Memory of the caller for a list, and for the number of all elements.
template <typename Element> struct ListPlace {
  Element *list;
  size_t capacity;
  size_t *count;

  /// Sets the number; whether there is memory to be filled. Errors: InvalidArgument for too little of it.
  Result<bool> open(size_t size) const {
    if (!count)
      return checkNonNull({{count, "a place for the number"}});
    *count = size;
    if (!list && capacity == 0)
      return false;
    if (!list)
      return makeError(StatusCode::InvalidArgument, "expects room for ", capacity, " elements, but got null");
    if (size > capacity)
      return makeError(StatusCode::InvalidArgument, "expects room for ", size, " elements, but got ", capacity);
    return true;
  }

  /// Fills the place with convert(element) for each element of a container.
  template <typename List, typename Convert> Status fill(const List &elements, const Convert &convert) const {
    Result<bool> opened = open(elements.size());
    if (opened.isOk() && *opened)
      std::transform(elements.begin(), elements.end(), list, convert);
    return opened.status();
  }
};

template <typename Element> ListPlace(Element *, size_t, size_t *) -> ListPlace<Element>;

} // namespace sparse_attn::capi

#endif // SPARSE_ATTN_LIB_CAPISUPPORT_H
