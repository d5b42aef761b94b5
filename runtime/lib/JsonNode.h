//===- JsonNode.h - Untrusted JSON, read with a path ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading a manifest means hundreds of accesses, each of which may find the
// wrong type. A node knows its path and shares one status with all the others:
// the first failure stays there, and later accesses return defaults, so that
// the parser reads as if nothing could fail. Nothing here throws but
// std::bad_alloc.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_JSONNODE_H
#define SPARSE_ATTN_LIB_JSONNODE_H

#include "sparse_attn/Status.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace sparse_attn {

/// A JSON value, or the lack of one, and where it is: "manifest.kernels[0].tile_q".
class JsonNode {
public:
  /// `value` and `status` must outlive the node and all nodes made from it.
  JsonNode(const nlohmann::json &value, std::string path, Status &status)
      : value(&value), path(std::move(path)), status(&status) {}

  /// True until some node has failed.
  bool ok() const { return status->isOk(); }

  /// Records a failure at this path, unless there is one already.
  template <typename... Parts> void fail(const Parts &...parts) const { failAs(StatusCode::InvalidArgument, parts...); }
  template <typename... Parts> void failAs(StatusCode code, const Parts &...parts) const {
    if (ok())
      *status = makeError(code, path, ": ", parts...);
  }

  bool has(const char *key) const { return value && value->is_object() && value->find(key) != value->end(); }

  /// The value of `key`; fails if this is no object or has no such key.
  JsonNode member(const char *key) const {
    if (!expect(value && value->is_object(), "an object"))
      return none(path);
    auto found = value->find(key);
    std::string name = path + "." + key;
    if (found != value->end())
      return JsonNode(*found, std::move(name), *status);
    JsonNode missing = none(std::move(name));
    missing.fail("expects a value, but got none");
    return missing;
  }

  /// Element `index` of an array, which is below `size()`.
  JsonNode element(size_t index) const {
    std::string name = path + "[" + std::to_string(index) + "]";
    if (!value || !value->is_array() || index >= value->size())
      return none(std::move(name));
    return JsonNode((*value)[index], std::move(name), *status);
  }

  /// Number of elements of an array; fails, with 0, if this is none.
  size_t size() const { return expect(value && value->is_array(), "an array") ? value->size() : 0; }

  std::string string() const {
    return expect(value && value->is_string(), "a string") ? *value->get_ptr<const std::string *>() : std::string();
  }

  bool boolean() const {
    return expect(value && value->is_boolean(), "true or false") && *value->get_ptr<const bool *>();
  }

  double number() const {
    double result = expect(value && value->is_number(), "a number") ? value->get<double>() : 0.0;
    if (!std::isfinite(result))
      fail("expects a finite number, but got ", result);
    return result;
  }

  /// An integer in [low, high]; fails, with `low`, if it is none.
  int64_t integer(int64_t low, int64_t high) const {
    if (!expect(value && value->is_number_integer(), "an integer"))
      return low;
    // Unsigned values may exceed int64_t.
    if (value->is_number_unsigned() && *value->get_ptr<const uint64_t *>() > uint64_t(INT64_MAX)) {
      fail("expects an integer from ", low, " to ", high, ", but got ", *value->get_ptr<const uint64_t *>());
      return low;
    }
    int64_t result = value->get<int64_t>();
    if (result >= low && result <= high)
      return result;
    fail("expects an integer from ", low, " to ", high, ", but got ", result);
    return low;
  }

  /// An index below `count`; fails, with 0, if it is none.
  size_t index(size_t count) const {
    int64_t result = integer(0, INT64_MAX);
    if (static_cast<size_t>(result) < count)
      return static_cast<size_t>(result);
    fail("expects an index below ", count, ", but got ", result);
    return 0;
  }

  /// The number of `key`, if there is one: an index below 2^32 - 1.
  std::optional<uint64_t> optionalIndex(const char *key) const {
    if (!has(key))
      return std::nullopt;
    return member(key).index(UINT32_MAX);
  }

private:
  JsonNode(const nlohmann::json *value, std::string path, Status *status)
      : value(value), path(std::move(path)), status(status) {}

  JsonNode none(std::string at) const { return JsonNode(nullptr, std::move(at), status); }

  bool expect(bool condition, const char *type) const {
    if (!condition)
      fail("expects ", type, ", but got ", value ? value->type_name() : "nothing");
    return condition;
  }

  const nlohmann::json *value; ///< Null where a value is missing, which has been reported.
  std::string path;
  Status *status;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_JSONNODE_H
