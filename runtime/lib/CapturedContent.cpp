//===- CapturedContent.cpp - What captured arrays must hold ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CapturedContent.h"

#include <algorithm>

namespace sparse_attn {

namespace {

Status checkAscending(const ValueName &name, const int32_t *elements, int64_t count) {
  const int32_t *end = elements + count, *sorted = std::is_sorted_until(elements, end);
  if (sorted == end)
    return {};
  return makeError(StatusCode::InvalidArgument, name, ": expects numbers that ascend, but got ", sorted[-1], " and ",
                   sorted[0], " at ", sorted - elements);
}

Status checkNotNegative(const ValueName &name, const int32_t *elements, int64_t count) {
  if (count == 0 || elements[0] >= 0)
    return {};
  return makeError(StatusCode::InvalidArgument, name, ": expects numbers that ascend from 0 or more, but got ",
                   elements[0], " first");
}

/// Parents that stand before their children can form no cycle.
Status checkParents(const ValueName &name, const int32_t *parents, int64_t nodes) {
  for (int64_t node = 0; node < nodes; ++node)
    if (parents[node] < -1 || parents[node] >= node)
      return makeError(StatusCode::InvalidArgument, name, ": expects the parent of node ", node,
                       " to be -1 or an earlier node, but got ", parents[node]);
  return {};
}

Status checkRow(const ValueName &name, const CaptureInfo &capture, const int32_t *elements, int64_t count) {
  if (capture.sorted)
    if (Status status = checkNotNegative(name, elements, count); !status.isOk())
      return status;
  if (capture.form == ArrayForm::Tree)
    return checkParents(name, elements, count);
  return capture.sorted || capture.form == ArrayForm::Bits ? checkAscending(name, elements, count) : Status();
}

} // namespace

void visitRows(const Value &array, const std::function<void(const void *elements, int64_t count)> &visit) {
  int32_t outer = array.rank - 1;
  int64_t rows = array.size[outer] > 0 ? 1 : 0;
  for (int32_t i = 0; i < outer; ++i)
    rows *= array.size[i];
  for (int64_t row = 0; row < rows; ++row) {
    int64_t offset = 0, rest = row;
    for (int32_t i = outer; i-- > 0; rest /= array.size[i])
      offset += rest % array.size[i] * array.stride[i];
    offset *= elementBytes(static_cast<DType>(array.dtype));
    visit(static_cast<const char *>(array.data) + offset, array.size[outer]);
  }
}

Status checkContent(const ValueName &name, const CaptureInfo &capture, const Value &array) {
  if (!capture.sorted && capture.form == ArrayForm::Elements)
    return {};
  Status status;
  visitRows(array, [&](const void *elements, int64_t count) {
    if (status.isOk())
      status = checkRow(name, capture, static_cast<const int32_t *>(elements), count);
  });
  return status;
}

} // namespace sparse_attn
