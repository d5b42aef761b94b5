//===- Attention.cpp - Constraints of the attention op --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarRegion.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
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
  auto lseType = RankedTensorType::get(query.getShape().drop_back(), Float32Type::get(getContext()));
  if (getLse() && getLse().getType() != lseType)
    return emitOpError("expects a log-sum-exp of type ") << lseType << ", but got " << getLse().getType();
  // attention_c15
  if (bool(getPartialOutput()) != bool(getPartialLse()))
    return emitOpError("expects a partial result with its log-sum-exp, but got one of them");
  if (getPartialOutput() && (getPartialOutput().getType() != query || getPartialLse().getType() != lseType))
    return emitOpError("expects a partial result of types ")
           << query << " and " << lseType << ", but got " << getPartialOutput().getType() << " and "
           << getPartialLse().getType();
  return success();
}

void AttentionOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  constexpr StringLiteral names[] = {"score", "b", "h", "qp", "kp"};
  if (region.getNumArguments() == std::size(names))
    for (auto [argument, name] : llvm::zip_equal(region.getArguments(), names))
      setName(argument, name);
}

void AttentionOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getOutput(), "output");
  if (getLse())
    setName(getLse(), "lse");
}

AttentionOp AttentionOp::cloneResuming(OpBuilder &builder, Value partialOutput, Value partialLse) {
  auto query = cast<RankedTensorType>(getQuery().getType());
  auto lse = RankedTensorType::get(query.getShape().drop_back(), builder.getF32Type());
  auto resumed = create(builder, getLoc(), getOutput().getType(), lse, getQuery(), getKey(), getValue(), getCaptures(),
                        partialOutput, partialLse, getQLengths(), getKLengths(), getQOffsets(), getKOffsets(),
                        getPatternAttr(), getScaleAttr(), getModuloAttr(), getSchedulesAttr());
  IRMapping map;
  getScore().cloneInto(&resumed.getScore(), map);
  return resumed;
}

/// What the region uses from outside, in the order of its first uses.
static SetVector<Value> getOutsideValues(Region &region) {
  SetVector<Value> values;
  region.walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!region.isAncestor(operand.getParentRegion()))
        values.insert(operand);
  });
  return values;
}

SmallVector<Value> AttentionOp::getScoreCaptures() {
  return llvm::filter_to_vector(getOutsideValues(getScore()),
                                [](Value value) { return !matchPattern(value, m_Constant()); });
}

static bool isScoreCaptureType(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return type.isIndex() ||
         (memref && memref.getRank() >= 1 && memref.getRank() <= 4 && memref.getLayout().isIdentity() &&
          !memref.getMemorySpace() && llvm::all_of(memref.getShape(), ShapedType::isDynamic) &&
          (memref.getElementType().isF32() || memref.getElementType().isSignlessInteger(32)));
}

LogicalResult AttentionOp::verifyRegions() {
  if (getScore().empty())
    return success();
  // attention_c12
  Block &body = getScore().front();
  Builder builder(getContext());
  SmallVector<Type> expected{builder.getF32Type()};
  expected.append(4, builder.getIndexType());
  auto yield = body.mightHaveTerminator() ? dyn_cast<YieldOp>(body.getTerminator()) : YieldOp();
  if (!llvm::equal(body.getArgumentTypes(), expected) || !yield || yield.getNumOperands() != 1 ||
      !yield.getOperand(0).getType().isF32())
    return emitOpError("expects a score region on an f32 and four positions of type index that ends in a "
                       "sparse_attn.yield of one f32");
  // attention_c13
  if (failed(verifyScalarRegion(getScore(), "a score region")))
    return failure();
  // attention_c14
  for (Value value : getOutsideValues(getScore())) {
    APInt number;
    if (value.getType().isIndex() && matchPattern(value, m_ConstantInt(&number)) && !number.isSignedIntN(32))
      return emitOpError("expects index constants of 32 bits in a score region, but got ") << number.getSExtValue();
    bool isConstant = matchPattern(value, m_Constant()) && value.getType().isIntOrIndexOrFloat();
    if (!isConstant && !isScoreCaptureType(value.getType()))
      return emitOpError("expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to "
                         "four dynamic dimensions, but got a value of type ")
             << value.getType();
  }
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

ParseResult MergeOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> outputs, logSumExps;
  auto parsePartial = [&] {
    return failure(parser.parseLParen() || parser.parseOperand(outputs.emplace_back()) || parser.parseComma() ||
                   parser.parseOperand(logSumExps.emplace_back()) || parser.parseRParen());
  };
  Type output, lse;
  if (parser.parseCommaSeparatedList(parsePartial) || parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(output) || parser.parseComma() || parser.parseType(lse))
    return failure();
  result.addTypes({output, lse});
  return failure(parser.resolveOperands(outputs, output, result.operands) ||
                 parser.resolveOperands(logSumExps, lse, result.operands));
}

void MergeOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  llvm::interleaveComma(llvm::zip_equal(getOutputs(), getLogSumExps()), printer, [&](auto partial) {
    printer << "(" << std::get<0>(partial) << ", " << std::get<1>(partial) << ")";
  });
  printer.printOptionalAttrDict((*this)->getAttrs());
  printer << " : " << getOutput().getType() << ", " << getLse().getType();
}

LogicalResult MergeOp::verify() {
  // merge_c1
  if ((*this)->getNumOperands() % 2 != 0)
    return emitOpError("expects as many log-sum-exps as outputs, but got ") << (*this)->getNumOperands() << " operands";
  if (getOutputs().empty())
    return emitOpError("expects at least one partial result, but got none");
  // merge_c2
  auto output = cast<RankedTensorType>(getOutput().getType());
  auto lse = RankedTensorType::get(output.getShape().drop_back(), Float32Type::get(getContext()));
  if (getLse().getType() != lse)
    return emitOpError("expects a log-sum-exp of type ") << lse << ", but got " << getLse().getType();
  for (auto [partial, partialLse] : llvm::zip_equal(getOutputs(), getLogSumExps()))
    if (partial.getType() != output || partialLse.getType() != lse)
      return emitOpError("expects partial results of types ")
             << output << " and " << lse << ", but got " << partial.getType() << " and " << partialLse.getType();
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_c1
  if (getKernels().empty())
    return emitOpError("expects the name of a sparse_attn.kernel, but got none");
  for (auto name : getKernels().getAsRange<FlatSymbolRefAttr>()) {
    auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, name);
    if (!kernel)
      return emitOpError("expects '") << name.getValue() << "' to name a sparse_attn.kernel, but found none";
    if (kernel.getResumes() != bool(getPartialOutput()) || kernel.getResumes() != bool(getPartialLse()))
      return emitOpError("expects a partial result and its log-sum-exp where @")
             << name.getValue() << " resumes, and nowhere else";
    bool hasSequences = getQLengths() || getKLengths() || getQOffsets() || getKOffsets();
    if (kernel.getSequences() != hasSequences)
      return emitOpError("expects lengths or offsets where @")
             << name.getValue() << " is for sequences, and nowhere else";
  }
  return success();
}
