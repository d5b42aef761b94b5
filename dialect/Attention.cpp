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

static double getScaleOrDefault(std::optional<APFloat> scale, Type query) {
  if (scale)
    return scale->convertToDouble();
  return 1.0 / std::sqrt(static_cast<double>(cast<RankedTensorType>(query).getDimSize(3)));
}

double AttentionOp::getScaleOrDefault() { return ::getScaleOrDefault(getScale(), getQuery().getType()); }
double WeightsOp::getScaleOrDefault() { return ::getScaleOrDefault(getScale(), getQuery().getType()); }
double ColumnSumsOp::getScaleOrDefault() { return ::getScaleOrDefault(getScale(), getQuery().getType()); }

/// Two sizes disagree when both are known and differ.
static bool disagree(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

static std::string printSize(int64_t size) { return ShapedType::isDynamic(size) ? "?" : std::to_string(size); }

/// attention_c4 to attention_c7
static LogicalResult verifyInputs(Operation *op, Type queryType, Type keyType, double scale) {
  auto query = cast<RankedTensorType>(queryType), key = cast<RankedTensorType>(keyType);
  // attention_c6
  int64_t headSize = query.getDimSize(3);
  if (ShapedType::isDynamic(headSize) || headSize < 16 || headSize > 256 || headSize % 16 != 0)
    return op->emitOpError("expects a head size that is static, a multiple of 16, and lies in [16, 256], but got ")
           << printSize(headSize);
  // attention_c4
  if (disagree(query.getDimSize(0), key.getDimSize(0)))
    return op->emitOpError("expects query and key of one batch size, but got ")
           << query.getDimSize(0) << " and " << key.getDimSize(0);
  if (query.getDimSize(3) != key.getDimSize(3))
    return op->emitOpError("expects query and key of one head size, but got ")
           << printSize(query.getDimSize(3)) << " and " << printSize(key.getDimSize(3));
  // attention_c5
  int64_t queryHeads = query.getDimSize(1), keyHeads = key.getDimSize(1);
  if (ShapedType::isDynamic(queryHeads) != ShapedType::isDynamic(keyHeads))
    return op->emitOpError("expects the numbers of query and key heads both static or both dynamic, but got ")
           << printSize(queryHeads) << " and " << printSize(keyHeads);
  if (!ShapedType::isDynamic(queryHeads) && (keyHeads == 0 || queryHeads % keyHeads != 0))
    return op->emitOpError("expects the number of query heads to be a multiple of the number of key heads, but got ")
           << queryHeads << " and " << keyHeads;
  // attention_c7
  if (!std::isnormal(static_cast<float>(scale)) || scale < 0)
    return op->emitOpError("expects a finite, positive scale, but got ") << scale;
  return success();
}

static RankedTensorType getLogSumExpType(Type query) {
  return RankedTensorType::get(cast<RankedTensorType>(query).getShape().drop_back(),
                               Float32Type::get(query.getContext()));
}

LogicalResult AttentionOp::verify() {
  auto query = cast<RankedTensorType>(getQuery().getType());
  // attention_c3
  if (getKey().getType() != getValue().getType())
    return emitOpError("expects key and value of one type, but got ")
           << getKey().getType() << " and " << getValue().getType();
  if (failed(verifyInputs(*this, query, getKey().getType(), getScaleOrDefault())))
    return failure();
  // attention_c11
  if (static_cast<int64_t>(getModulo()) <= 0)
    return emitOpError("expects a positive modulo, but got ") << static_cast<int64_t>(getModulo());
  // attention_c8
  auto lseType = getLogSumExpType(query);
  if (getLse() && getLse().getType() != lseType)
    return emitOpError("expects a log-sum-exp of type ") << lseType << ", but got " << getLse().getType();
  // attention_c16
  if (getSums().size() > 2)
    return emitOpError("expects an output, a log-sum-exp and a row maximum at most, but got ")
           << getNumResults() << " results";
  if (getRowMax() && getRowMax().getType() != lseType)
    return emitOpError("expects a row maximum of type ") << lseType << ", but got " << getRowMax().getType();
  if (getRowMax() && getPartialOutput())
    return emitOpError("expects no row maximum of attention that goes on from a partial result, but got one");
  // attention_c15
  if (bool(getPartialOutput()) != bool(getPartialLse()))
    return emitOpError("expects a partial result with its log-sum-exp, but got one of them");
  if (getPartialOutput() && (getPartialOutput().getType() != query || getPartialLse().getType() != lseType))
    return emitOpError("expects a partial result of types ")
           << query << " and " << lseType << ", but got " << getPartialOutput().getType() << " and "
           << getPartialLse().getType();
  return success();
}

static void nameScoreArguments(Region &region, OpAsmSetValueNameFn setName) {
  constexpr StringLiteral names[] = {"score", "b", "h", "qp", "kp"};
  if (region.getNumArguments() == std::size(names))
    for (auto [argument, name] : llvm::zip_equal(region.getArguments(), names))
      setName(argument, name);
}

void AttentionOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameScoreArguments(region, setName);
}
void WeightsOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameScoreArguments(region, setName);
}
void ColumnSumsOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameScoreArguments(region, setName);
}

void AttentionOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getOutput(), "output");
  if (getLse())
    setName(getLse(), "lse");
  if (getRowMax())
    setName(getRowMax(), "row_max");
}

AttentionOp AttentionOp::cloneResuming(OpBuilder &builder, Value partialOutput, Value partialLse) {
  auto resumed =
      create(builder, getLoc(), getOutput().getType(), TypeRange(getLogSumExpType(getQuery().getType())), getQuery(),
             getKey(), getValue(), getCaptures(), partialOutput, partialLse, getQLengths(), getKLengths(),
             getQOffsets(), getKOffsets(), getPatternAttr(), getScaleAttr(), getModuloAttr(), getSchedulesAttr());
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

/// What the score region captures: what it uses from outside, but constants.
static SmallVector<Value> findScoreCaptures(Region &score) {
  return llvm::filter_to_vector(getOutsideValues(score),
                                [](Value value) { return !matchPattern(value, m_Constant()); });
}

SmallVector<Value> AttentionOp::getScoreCaptures() { return findScoreCaptures(getScore()); }
SmallVector<Value> WeightsOp::getScoreCaptures() { return findScoreCaptures(getScore()); }
SmallVector<Value> ColumnSumsOp::getScoreCaptures() { return findScoreCaptures(getScore()); }

static bool isScoreCaptureType(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return type.isIndex() ||
         (memref && memref.getRank() >= 1 && memref.getRank() <= 4 && memref.getLayout().isIdentity() &&
          !memref.getMemorySpace() && llvm::all_of(memref.getShape(), ShapedType::isDynamic) &&
          (memref.getElementType().isF32() || memref.getElementType().isSignlessInteger(32)));
}

/// attention_c12 to attention_c14
static LogicalResult verifyScore(Operation *op, Region &score) {
  if (score.empty())
    return success();
  // attention_c12
  Block &body = score.front();
  Builder builder(op->getContext());
  SmallVector<Type> expected{builder.getF32Type()};
  expected.append(4, builder.getIndexType());
  auto yield = body.mightHaveTerminator() ? dyn_cast<YieldOp>(body.getTerminator()) : YieldOp();
  if (!llvm::equal(body.getArgumentTypes(), expected) || !yield || yield.getNumOperands() != 1 ||
      !yield.getOperand(0).getType().isF32())
    return op->emitOpError("expects a score region on an f32 and four positions of type index that ends in a "
                           "sparse_attn.yield of one f32");
  // attention_c13
  if (failed(verifyScalarRegion(score, "a score region")))
    return failure();
  // attention_c14
  for (Value value : getOutsideValues(score)) {
    APInt number;
    if (value.getType().isIndex() && matchPattern(value, m_ConstantInt(&number)) && !number.isSignedIntN(32))
      return op->emitOpError("expects index constants of 32 bits in a score region, but got ") << number.getSExtValue();
    bool isConstant = matchPattern(value, m_Constant()) && value.getType().isIntOrIndexOrFloat();
    if (!isConstant && !isScoreCaptureType(value.getType()))
      return op->emitOpError(
                 "expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to "
                 "four dynamic dimensions, but got a value of type ")
             << value.getType();
  }
  return success();
}

LogicalResult AttentionOp::verifyRegions() { return verifyScore(*this, getScore()); }
LogicalResult WeightsOp::verifyRegions() { return verifyScore(*this, getScore()); }
LogicalResult ColumnSumsOp::verifyRegions() { return verifyScore(*this, getScore()); }

/// attention_c9, attention_c10
static LogicalResult verifyPattern(AttendOpInterface op, SymbolTableCollection &symbols) {
  // attention_c9
  auto pattern =
      symbols.lookupNearestSymbolFrom<PatternOp>(op, FlatSymbolRefAttr::get(op.getContext(), op.getPattern()));
  if (!pattern)
    return op->emitOpError("expects '") << op.getPattern() << "' to name a sparse_attn.pattern, but found none";
  auto expected = pattern.getBody().front().getArgumentTypes();
  if (op.getCaptures().size() != expected.size())
    return op->emitOpError("expects ") << expected.size() << " captures for @" << op.getPattern() << ", but got "
                                       << op.getCaptures().size();
  for (auto [index, pair] : llvm::enumerate(llvm::zip(expected, op.getCaptures().getTypes())))
    if (std::get<0>(pair) != std::get<1>(pair))
      return op->emitOpError("expects capture ") << index << " of @" << op.getPattern() << " to be of type "
                                                 << std::get<0>(pair) << ", but got " << std::get<1>(pair);
  // attention_c10
  for (Attribute name : op.getSchedulesAttr() ? op.getSchedulesAttr().getValue() : ArrayRef<Attribute>()) {
    auto schedule = symbols.lookupNearestSymbolFrom<ScheduleOp>(op, cast<FlatSymbolRefAttr>(name));
    if (!schedule || schedule.getPattern() != op.getPattern() ||
        (schedule.getModulo() != 1 && schedule.getModulo() != op.getModulo()))
      return op->emitOpError("expects '") << cast<FlatSymbolRefAttr>(name).getValue() << "' to name a schedule of @"
                                          << op.getPattern() << ", but found none";
  }
  return success();
}

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &symbols) { return verifyPattern(*this, symbols); }
LogicalResult WeightsOp::verifySymbolUses(SymbolTableCollection &symbols) { return verifyPattern(*this, symbols); }
LogicalResult ColumnSumsOp::verifySymbolUses(SymbolTableCollection &symbols) { return verifyPattern(*this, symbols); }

LogicalResult WeightsOp::verify() {
  // weights_c1
  if (failed(verifyInputs(*this, getQuery().getType(), getKey().getType(), getScaleOrDefault())))
    return failure();
  if (getLse().getType() != getLogSumExpType(getQuery().getType()))
    return emitOpError("expects a log-sum-exp of type ")
           << getLogSumExpType(getQuery().getType()) << ", but got " << getLse().getType();
  // weights_c3
  auto offsets = cast<RankedTensorType>(getOffsets().getType()),
       indices = cast<RankedTensorType>(getIndices().getType()), values = cast<RankedTensorType>(getValues().getType());
  if (!offsets.isDynamicDim(0) || !indices.isDynamicDim(0) || indices.getDimSize(1) != 2)
    return emitOpError("expects offsets of type tensor<?xi64> and indices of type tensor<?x2xi32>, but got ")
           << offsets << " and " << indices;
  if (!values.isDynamicDim(0) || values.isDynamicDim(1) || values.isDynamicDim(2))
    return emitOpError("expects values of a dynamic number of blocks of static sizes, but got ") << values;
  return success();
}

LogicalResult ColumnSumsOp::verify() {
  // column_sums_c1
  auto query = cast<RankedTensorType>(getQuery().getType()), key = cast<RankedTensorType>(getKey().getType());
  if (failed(verifyInputs(*this, query, key, getScaleOrDefault())))
    return failure();
  if (getLse().getType() != getLogSumExpType(query))
    return emitOpError("expects a log-sum-exp of type ")
           << getLogSumExpType(query) << ", but got " << getLse().getType();
  // column_sums_c3
  auto sums = RankedTensorType::get({query.getDimSize(0), query.getDimSize(1), key.getDimSize(2)},
                                    Float32Type::get(getContext()));
  if (getSums().getType() != sums)
    return emitOpError("expects sums of type ") << sums << ", but got " << getSums().getType();
  return success();
}

LogicalResult LaunchBlocksOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_blocks_c1
  if (getOutputs().size() != 1 && getOutputs().size() != 3)
    return emitOpError("expects one result, or offsets, indices and values, but got ") << getOutputs().size();
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel || (getOutputs().size() == 3 ? !kernel.getWeights() : !kernel.getColumnSums()))
    return emitOpError("expects '") << getKernel() << "' to name a sparse_attn.kernel of "
                                    << (getOutputs().size() == 3 ? "weights" : "column sums") << ", but found none";
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
    if (kernel.isOverBlocks())
      return emitOpError("expects a kernel of attention, but got @") << name.getValue();
    if (kernel.getRowMax() != bool(getRowMax()))
      return emitOpError("expects a row maximum where @") << name.getValue() << " has one, and nowhere else";
    bool hasSequences = getQLengths() || getKLengths() || getQOffsets() || getKOffsets();
    if (kernel.getSequences() != hasSequences)
      return emitOpError("expects lengths or offsets where @")
             << name.getValue() << " is for sequences, and nowhere else";
  }
  return success();
}
