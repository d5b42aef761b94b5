//===- Status.h - Outcomes of calls that may fail -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Artifacts and shapes come from outside, so that every call on them may fail.
// The runtime reports failures as values with the codes of the C interface;
// the only exception that leaves it is std::bad_alloc.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_STATUS_H
#define SPARSE_ATTN_STATUS_H

#include "sparse_attn/sparse_attn.h"

#include <sstream>
#include <string>
#include <utility>
#include <variant>

namespace sparse_attn {

/// The codes of `sparse_attn_status`.
enum class StatusCode : int32_t {
  Ok = SPARSE_ATTN_OK,
  InvalidArgument = SPARSE_ATTN_INVALID_ARGUMENT,
  ShapeMismatch = SPARSE_ATTN_SHAPE_MISMATCH,
  Unsupported = SPARSE_ATTN_UNSUPPORTED,
  VersionMismatch = SPARSE_ATTN_VERSION_MISMATCH,
  OutOfMemory = SPARSE_ATTN_OUT_OF_MEMORY,
  DeviceError = SPARSE_ATTN_DEVICE_ERROR,
};

/// Success, or a code and a message: lower case, no full stop, `expects X, but got Y`.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(StatusCode code, std::string message) : statusCode(code), statusMessage(std::move(message)) {}

  bool isOk() const { return statusCode == StatusCode::Ok; }
  StatusCode code() const { return statusCode; }
  /// Empty on success.
  const std::string &message() const { return statusMessage; }

private:
  StatusCode statusCode = StatusCode::Ok;
  std::string statusMessage;
};

/// A failure whose message is `parts` written one behind another.
template <typename... Parts> Status makeError(StatusCode code, const Parts &...parts) {
  std::ostringstream message;
  (message << ... << parts);
  return Status(code, message.str());
}

/// A value, or the failure that kept it from being made.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  /// `failure` must not be a success.
  Result(Status failure) : content(std::in_place_index<1>, std::move(failure)) {}

  bool isOk() const { return content.index() == 0; }
  /// The failure; success if there is a value.
  Status status() const { return isOk() ? Status() : std::get<1>(content); }

  /// The value; only where `isOk()`.
  T &operator*() { return *std::get_if<0>(&content); }
  const T &operator*() const { return *std::get_if<0>(&content); }
  T *operator->() { return std::get_if<0>(&content); }
  const T *operator->() const { return std::get_if<0>(&content); }

private:
  std::variant<T, Status> content;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_STATUS_H
