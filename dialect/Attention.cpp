//===- Attention.cpp - Constraints of the attention op --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include <cmath>

using namespace mlir;
using namespace mlir::sparse_attn;

double AttentionOp::getScaleOrDefault() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToDouble();
  return 1.0 / std::sqrt(static_cast<double>(getHeadSize()));
}

/// Two sizes disagree when both are known and differ.
static bool disagree(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

static std::string printSize(int64_t size) { return ShapedType::isDynamic(size) ? "?" : std::to_string(size); }

LogicalResult AttentionOp::verify() {
  auto query = cast<RankedTensorType>(getQuery().getType());
  auto key = cast<RankedTensorType>(getKey().getType());
  auto value = cast<RankedTensorType>(getValue().getType());
  // attention_c3
  if (key != value)
    return emitOpError("expects key and value of one type, but got ") << key << " and " << value;
  // attention_c6
  int64_t headSize = query.getDimSize(3);
  if (ShapedType::isDynamic(headSize) || headSize < 16 || headSize > 256 || headSize % 16 != 0)
    return emitOpError("expects a head size that is static, a multiple of 16, and lies in [16, 256], but got ")
           << printSize(headSize);
  // attention_c4
  if (disagree(query.getDimSize(0), key.getDimSize(0)))
    return emitOpError("expects query and key of one batch size, but got ")
           << query.getDimSize(0) << " and " << key.getDimSize(0);
  if (query.getDimSize(3) != key.getDimSize(3))
    return emitOpError("expects query and key of one head size, but got ")
           << printSize(query.getDimSize(3)) << " and " << printSize(key.getDimSize(3));
  // attention_c5
  int64_t queryHeads = query.getDimSize(1), keyHeads = key.getDimSize(1);
  if (ShapedType::isDynamic(queryHeads) != ShapedType::isDynamic(keyHeads))
    return emitOpError("expects the numbers of query and key heads both static or both dynamic, but got ")
           << printSize(queryHeads) << " and " << printSize(keyHeads);
  if (!ShapedType::isDynamic(queryHeads) && (keyHeads == 0 || queryHeads % keyHeads != 0))
    return emitOpError("expects the number of query heads to be a multiple of the number of key heads, but got ")
           << queryHeads << " and " << keyHeads;
  // attention_c11
  if (static_cast<int64_t>(getModulo()) <= 0)
    return emitOpError("expects a positive modulo, but got ") << static_cast<int64_t>(getModulo());
  // attention_c7
  if (!std::isnormal(static_cast<float>(getScaleOrDefault())) || getScaleOrDefault() < 0)
    return emitOpError("expects a finite, positive scale, but got ") << getScaleOrDefault();
  // attention_c8
  if (Value lse = getLse())
    if (cast<RankedTensorType>(lse.getType()).getShape() != query.getShape().drop_back())
      return emitOpError("expects a log-sum-exp of type ")
             << RankedTensorType::get(query.getShape().drop_back(), Float32Type::get(getContext())) << ", but got "
             << lse.getType();
  return success();
}

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // attention_c9
  auto pattern = symbols.lookupNearestSymbolFrom<PatternOp>(*this, getPatternAttr());
  if (!pattern)
    return emitOpError("expects '") << getPattern() << "' to name a sparse_attn.pattern, but found none";
  auto expected = pattern.getBody().front().getArgumentTypes();
  if (getCaptures().size() != expected.size())
    return emitOpError("expects ") << expected.size() << " captures for @" << getPattern() << ", but got "
                                   << getCaptures().size();
  for (auto [index, pair] : llvm::enumerate(llvm::zip(expected, getCaptures().getTypes())))
    if (std::get<0>(pair) != std::get<1>(pair))
      return emitOpError("expects capture ") << index << " of @" << getPattern() << " to be of type "
                                             << std::get<0>(pair) << ", but got " << std::get<1>(pair);
  // attention_c10
  for (Attribute name : getSchedulesAttr() ? getSchedulesAttr().getValue() : ArrayRef<Attribute>()) {
    auto schedule = symbols.lookupNearestSymbolFrom<ScheduleOp>(*this, cast<FlatSymbolRefAttr>(name));
    if (!schedule || schedule.getPattern() != getPattern() ||
        (schedule.getModulo() != 1 && schedule.getModulo() != getModulo()))
      return emitOpError("expects '") << cast<FlatSymbolRefAttr>(name).getValue() << "' to name a schedule of @"
                                      << getPattern() << ", but found none";
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_c1
  if (getKernels().empty())
    return emitOpError("expects the name of a sparse_attn.kernel, but got none");
  for (auto name : getKernels().getAsRange<FlatSymbolRefAttr>())
    if (!symbols.lookupNearestSymbolFrom<KernelOp>(*this, name))
      return emitOpError("expects '") << name.getValue() << "' to name a sparse_attn.kernel, but found none";
  return success();
}
