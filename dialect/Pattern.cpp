//===- Pattern.cpp - The pattern symbol, predicates, and the defaults -----===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Pattern.h"
#include "dialect/IntervalExtension.h"
#include "dialect/ScalarBuilder.h"
#include "dialect/ScalarRegion.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;
using namespace mlir::sparse_attn;

//===----------------------------------------------------------------------===//
// PatternScope
//===----------------------------------------------------------------------===//

PatternScope::PatternScope(OpBuilder &builder, Location loc, PatternOp pattern, ValueRange captures, Value batch,
                           Value head, Value queryLength, Value keyLength)
    : loc(loc), batch(batch), head(head), queryLength(queryLength), keyLength(keyLength) {
  for (auto [capture, value] : llvm::zip_equal(pattern.getCaptures(), captures))
    this->captures.map(capture, clampCaptured(builder, loc, value));
}

Value PatternScope::parameter(OpBuilder &builder, Value captured, IntegerAttr constant) const {
  APInt value;
  if (captured && !matchPattern(captured, m_ConstantInt(&value)))
    return lookup(captured);
  if (captured)
    return arith::ConstantIndexOp::create(builder, loc, std::clamp(value.getSExtValue(), -kMaxPosition, kMaxPosition));
  return arith::ConstantIndexOp::create(builder, loc, constant.getInt());
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

LogicalResult mlir::sparse_attn::verifyParameters(PatternOpInterface pattern) {
  for (const Parameter &parameter : pattern.getParameters()) {
    // Only generic syntax can say both or neither.
    if (!parameter.captured == !parameter.constant)
      return pattern->emitOpError("expects '") << parameter.name << "' to be a constant or a captured value, but got "
                                               << (parameter.captured ? "both" : "neither");
    if (parameter.captured)
      continue;
    int64_t value = parameter.constant.getInt();
    if (value < parameter.least || value > kMaxPosition)
      return pattern->emitOpError("expects '")
             << parameter.name << "' to lie in [" << parameter.least << ", " << kMaxPosition << "], but got " << value;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Defaults from bands
//===----------------------------------------------------------------------===//

PatternOpInterface mlir::sparse_attn::getPatternOp(Value pattern) {
  return pattern.getDefiningOp<PatternOpInterface>();
}

/// How far `k`, which is -1 or more, lies behind the start of the last run of columns before it.
static Value buildColumnRest(ScalarBuilder &s, const Columns &columns, Value k) {
  return s.remPositive(s.add(k, columns.period - columns.phase), columns.period);
}

Value mlir::sparse_attn::buildFirstColumn(OpBuilder &builder, const PatternScope &scope, const Columns &columns,
                                          Value lo) {
  if (columns.holdAll())
    return lo;
  ScalarBuilder s(builder, scope.loc);
  Value first = s.max(lo, 0), rest = buildColumnRest(s, columns, first);
  Value next = s.add(first, s.sub(s.constant(columns.period), rest));
  return s.select(s.less(rest, s.constant(columns.width)), first, next);
}

Value mlir::sparse_attn::buildPastColumn(OpBuilder &builder, const PatternScope &scope, const Columns &columns,
                                         Value hi) {
  if (columns.holdAll())
    return hi;
  ScalarBuilder s(builder, scope.loc);
  Value past = s.max(s.min(hi, scope.keyLength), 0);
  Value rest = buildColumnRest(s, columns, s.sub(past, 1));
  return s.sub(past, s.max(s.sub(rest, columns.width - 1), 0));
}

/// Runs of columns and tiles meet alike again after their least common multiple.
std::optional<Columns::Tiles> Columns::findTiles(int64_t tileK) const {
  int64_t repeat = std::lcm(period, tileK);
  Tiles tiles{repeat / tileK, /*all=*/true, {}};
  if (period - width < tileK)
    return tiles;
  // From here on no tile holds columns of two runs.
  constexpr int64_t kMaxVisits = 64;
  if (repeat / period > kMaxVisits || width / tileK > kMaxVisits)
    return std::nullopt;
  llvm::SmallSetVector<int64_t, 8> some;
  for (int64_t start = phase; start < phase + repeat; start += period)
    for (int64_t tile = start / tileK; tile <= (start + width - 1) / tileK; ++tile)
      some.insert(tile % tiles.repeat);
  tiles.all = static_cast<int64_t>(some.size()) == tiles.repeat;
  if (!tiles.all)
    tiles.some = some.takeVector();
  if (tiles.some.size() > kMaxBands)
    return std::nullopt;
  return tiles;
}

/// `lo <= k < hi`, without the comparisons that hold for every key there is.
static Value buildInBand(ScalarBuilder &s, const PatternScope &scope, const Band &band, Value k) {
  APInt lo;
  bool openBelow = matchPattern(band.lo, m_ConstantInt(&lo)) && !lo.isStrictlyPositive();
  Value above = openBelow ? s.boolean(true) : s.lessEqual(band.lo, k);
  Value below = band.hi == scope.keyLength ? s.boolean(true) : s.less(k, band.hi);
  Value between = s.both(above, below);
  if (band.columns.holdAll())
    return between;
  return s.both(between, s.less(buildColumnRest(s, band.columns, k), s.constant(band.columns.width)));
}

/// May one of the keys of `span` lie in the band, given as that of its first query and of its last?
static Value buildTouched(ScalarBuilder &s, const PatternScope &scope, const Band &atFirst, const Band &atLast,
                          const Span &span) {
  if (atFirst.columns.holdAll())
    return s.both(s.lessEqual(atFirst.lo, span.lastKey), s.less(span.firstKey, atLast.hi));
  Value column = buildFirstColumn(s.builder, scope, atFirst.columns, s.max(atFirst.lo, span.firstKey));
  return s.both(s.lessEqual(column, span.lastKey), s.less(column, atLast.hi));
}

/// Do all keys of `span` lie in the band?
static Value buildFull(ScalarBuilder &s, const Band &atFirst, const Band &atLast, const Span &span) {
  Value between = s.both(s.lessEqual(atLast.lo, span.firstKey), s.less(span.lastKey, atFirst.hi));
  const Columns &columns = atFirst.columns;
  if (columns.holdAll())
    return between;
  Value rest = s.add(buildColumnRest(s, columns, span.firstKey), s.sub(span.lastKey, span.firstKey));
  return s.both(between, s.less(rest, s.constant(columns.width)));
}

Value mlir::sparse_attn::buildPredicateFromBands(PatternOpInterface pattern, OpBuilder &builder,
                                                 const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  SmallVector<Band> bands;
  if (failed(pattern.buildKeyBands(builder, scope, q, bands)))
    llvm_unreachable("a pattern without bands implements buildPredicate");
  Value attends = s.boolean(false);
  for (const Band &band : bands)
    attends = s.either(attends, buildInBand(s, scope, band, k));
  return attends;
}

Coverage mlir::sparse_attn::buildCoverageFromBands(PatternOpInterface pattern, OpBuilder &builder,
                                                   const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  SmallVector<Band> first, last;
  if (failed(pattern.buildKeyBands(builder, scope, span.firstQuery, first)) ||
      failed(pattern.buildKeyBands(builder, scope, span.lastQuery, last)))
    return {s.boolean(true), s.boolean(false)};
  Coverage coverage{s.boolean(false), s.boolean(false)};
  for (auto [atFirst, atLast] : llvm::zip_equal(first, last)) {
    coverage.any = s.either(coverage.any, buildTouched(s, scope, atFirst, atLast, span));
    if (atFirst.exact && atFirst.modulus == 1)
      coverage.all = s.either(coverage.all, buildFull(s, atFirst, atLast, span));
  }
  return coverage;
}

//===----------------------------------------------------------------------===//
// PatternOp
//===----------------------------------------------------------------------===//

PatternOpInterface PatternOp::getRoot() { return getPatternOp(getBody().front().getTerminator()->getOperand(0)); }

ParseResult PatternOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> captures;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes) ||
      parser.parseArgumentList(captures, AsmParser::Delimiter::OptionalParen, /*allowType=*/true))
    return failure();
  FlatSymbolRefAttr whole;
  if (succeeded(parser.parseOptionalKeyword("part_of")) &&
      (parser.parseLParen() ||
       parser.parseAttribute(whole, Type(), getPartOfAttrName(result.name), result.attributes) || parser.parseRParen()))
    return failure();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), captures);
}

void PatternOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  if (!getCaptures().empty()) {
    printer << '(';
    llvm::interleaveComma(getCaptures(), printer, [&](BlockArgument capture) { printer.printRegionArgument(capture); });
    printer << ')';
  }
  if (getPartOf())
    printer << " part_of(" << getPartOfAttr() << ')';
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getSymNameAttrName(), getPartOfAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

static bool isCaptureType(Type type) {
  if (type.isIndex() || isa<BlockMaskType>(type))
    return true;
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.getElementType().isSignlessInteger(32) && memref.getLayout().isIdentity() &&
         !memref.getMemorySpace() && memref.getRank() >= 1 && memref.getRank() <= 3 &&
         llvm::all_of(memref.getShape(), ShapedType::isDynamic);
}

StringRef mlir::sparse_attn::getFormName(ArrayForm form) {
  switch (form) {
  case ArrayForm::Elements:
    return "elements";
  case ArrayForm::Tree:
    return "tree";
  case ArrayForm::Bits:
    return "bits";
  }
  llvm_unreachable("a form that is none");
}

/// What a pattern op reads in the place of an array.
static ArrayForm getForm(Operation &op, Value array) {
  if (auto pattern = dyn_cast<PatternOpInterface>(op))
    for (const ArrayDemand &demand : pattern.getArrayDemands())
      if (demand.array == array)
        return demand.form;
  return ArrayForm::Elements;
}

/// Kernels have one table in the place of a captured array.
static LogicalResult verifyForms(Block &body, BlockArgument capture) {
  std::optional<ArrayForm> form;
  for (Operation *user : capture.getUsers()) {
    Operation &op = *body.findAncestorOpInBlock(*user);
    ArrayForm own = getForm(op, capture);
    if (own != form.value_or(own))
      return op.emitOpError("expects captured array ")
             << capture.getArgNumber() << " to be read as " << getFormName(own)
             << " by all, but got one that reads it as " << getFormName(*form);
    form = own;
  }
  return success();
}

LogicalResult PatternOp::verifyRegions() {
  // pattern_c1
  for (BlockArgument capture : getCaptures())
    if (!isCaptureType(capture.getType()))
      return emitOpError("expects captures of type index, memref<?xi32>, memref<?x?xi32>, memref<?x?x?xi32> or "
                         "!sparse_attn.block_mask, but got ")
             << capture.getType();
  // pattern_c2
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getNumOperands() != 1 || !isa<PatternType>(yield.getOperand(0).getType()))
    return emitOpError("expects to end in a sparse_attn.yield of one pattern");
  // pattern_c3
  for (Operation &op : getBody().front().without_terminator())
    if (!isa<PatternOpInterface>(op) &&
        !(isa<arith::ConstantOp>(op) && op.getResult(0).getType().isIntOrIndexOrFloat()))
      return op.emitError("expects only pattern ops and constants in a pattern, but got '") << op.getName() << "'";
  // pattern_c4
  for (BlockArgument capture : getCaptures())
    if (failed(verifyForms(getBody().front(), capture)))
      return failure();
  return success();
}

// pattern_c5
LogicalResult PatternOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getPartOf())
    return success();
  auto whole = symbols.lookupNearestSymbolFrom<PatternOp>(*this, getPartOfAttr());
  if (!whole)
    return emitOpError("expects '") << *getPartOf() << "' to name a sparse_attn.pattern, but found none";
  TypeRange captures = ValueRange(getCaptures()).getTypes(), expected = ValueRange(whole.getCaptures()).getTypes();
  if (!llvm::equal(captures, expected))
    return emitOpError("expects the captures of ")
           << getPartOfAttr() << ", (" << expected << "), but got (" << captures << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// YieldOp
//===----------------------------------------------------------------------===//

ParseResult YieldOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseOperandList(operands) || parser.parseOptionalAttrDict(result.attributes))
    return failure();
  SmallVector<Type> types(operands.size(), PatternType::get(parser.getContext()));
  if (succeeded(parser.parseOptionalColon())) {
    types.clear();
    if (parser.parseTypeList(types))
      return failure();
  }
  return parser.resolveOperands(operands, types, loc, result.operands);
}

void YieldOp::print(OpAsmPrinter &printer) {
  if (getNumOperands() > 0)
    printer << ' ' << getOperands();
  printer.printOptionalAttrDict((*this)->getAttrs());
  if (!llvm::all_of(getOperandTypes(), llvm::IsaPred<PatternType>))
    printer << " : " << getOperandTypes();
}

//===----------------------------------------------------------------------===//
// PredicateOp and ReadOp
//===----------------------------------------------------------------------===//

ParseResult PredicateOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> positions;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseArgumentList(positions, AsmParser::Delimiter::Paren))
    return failure();
  if (positions.size() != 4)
    return parser.emitError(loc, "expects four positions (batch, head, query, key), but got ") << positions.size();
  for (OpAsmParser::Argument &position : positions)
    position.type = parser.getBuilder().getIndexType();
  result.addTypes(PatternType::get(parser.getContext()));
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.parseRegion(*result.addRegion(), positions));
}

void PredicateOp::print(OpAsmPrinter &printer) {
  printer << " (";
  llvm::interleaveComma(getBody().getArguments(), printer, [&](BlockArgument position) { printer << position; });
  printer << ") ";
  if (!(*this)->getAttrs().empty()) {
    printer.printOptionalAttrDictWithKeyword((*this)->getAttrs());
    printer << ' ';
  }
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult PredicateOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.getNumArguments() != 4 || !llvm::all_of(body.getArgumentTypes(), [](Type type) { return type.isIndex(); }))
    return emitOpError("expects four positions of type index");
  // predicate_c1, predicate_c3
  if (failed(verifyScalarRegion(getBody(), "a predicate")))
    return failure();
  // predicate_c2
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 || !yield.getOperand(0).getType().isInteger(1))
    return emitOpError("expects to end in a sparse_attn.yield of one i1");
  return success();
}

/// Is `index` a position inside dimension `dimension` of `array`?
static Value buildInside(ScalarBuilder &s, Value array, int64_t dimension, Value index) {
  Value size = s.builder.createOrFold<memref::DimOp>(s.loc, array, dimension);
  return s.both(s.lessEqual(s.constant(0), index), s.less(index, size));
}

/// Maps an operand from outside the predicate: a capture, or a constant of the pattern.
static void mapOutsideValue(OpBuilder &builder, const PatternScope &scope, Region &predicate, Value operand,
                            IRMapping &map) {
  if (predicate.isAncestor(operand.getParentRegion()) || map.contains(operand))
    return;
  if (isa<BlockArgument>(operand))
    map.map(operand, scope.lookup(operand));
  else
    builder.clone(*operand.getDefiningOp(), map);
}

Value PredicateOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  IRMapping map;
  map.map(getBody().getArguments(), ValueRange{scope.batch, scope.head, q, k});
  Value inside = s.boolean(true);
  for (Operation &op : getBody().front().without_terminator()) {
    for (Value operand : op.getOperands())
      mapOutsideValue(builder, scope, getBody(), operand, map);
    Operation *copy = builder.clone(op, map);
    if (auto read = dyn_cast<ReadOp>(copy))
      for (auto [dimension, index] : llvm::enumerate(read.getIndices()))
        inside = s.both(inside, buildInside(s, read.getArray(), dimension, index));
  }
  Value holds = getBody().front().getTerminator()->getOperand(0);
  mapOutsideValue(builder, scope, getBody(), holds, map);
  return s.both(inside, map.lookup(holds));
}

Dependence PredicateOp::getDependence() {
  return {!getBody().getArgument(0).use_empty(), !getBody().getArgument(1).use_empty()};
}

SmallVector<ArrayDemand> PredicateOp::getArrayDemands() {
  return llvm::map_to_vector(getBody().front().getOps<UpperBoundOp>(), [](UpperBoundOp search) {
    return ArrayDemand{search.getArray(), /*perBatch=*/false, /*sorted=*/true};
  });
}

Coverage PredicateOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  auto word = [&](Value index) {
    return builder.createOrFold<arith::IndexCastOp>(scope.loc, builder.getI64Type(), index);
  };
  Value batch = word(scope.batch), head = word(scope.head);
  Interval positions[] = {{batch, batch},
                          {head, head},
                          {word(span.firstQuery), word(span.lastQuery)},
                          {word(span.firstKey), word(span.lastKey)}};
  return buildIntervalCoverage(builder, scope, getBody(), positions);
}

/// In a predicate, is an array with a row a batch asked at the batch of the predicate? Others have no rows.
static bool isAtOwnBatch(Operation *op, ValueRange rows) {
  auto predicate = dyn_cast<PredicateOp>(op->getParentOp());
  return !predicate || rows.empty() || rows.front() == predicate.getBody().getArgument(0);
}

static LogicalResult verifyElements(Operation *op, MemRefType array, bool allowsFloats) {
  bool isFloat = array.getElementType().isF32();
  if (!array.getElementType().isSignlessInteger(32) && !(isFloat && allowsFloats))
    return op->emitOpError("expects an array of i32") << (allowsFloats ? " or f32" : "") << ", but got " << array;
  if (isa<PredicateOp>(op->getParentOp()) && array.getRank() > 2)
    return op->emitOpError("expects an array of rank 1 or 2 in a predicate, but got ") << array;
  return success();
}

LogicalResult ReadOp::verify() {
  auto type = cast<MemRefType>(getArray().getType());
  // read_c3
  bool isOfScores = isa<AttendOpInterface, ScoreOp, ScoreModOp, KernelOp>((*this)->getParentOp());
  if (failed(verifyElements(*this, type, /*allowsFloats=*/isOfScores)))
    return failure();
  // read_c1
  if (type.getRank() != static_cast<int64_t>(getIndices().size()))
    return emitOpError("expects ") << type.getRank() << " indices, but got " << getIndices().size();
  // read_c2
  if (type.getRank() > 0 && !isAtOwnBatch(*this, getIndices().drop_back()))
    return emitOpError("expects an array of rank 2 to be read at the batch of the predicate");
  return success();
}

LogicalResult UpperBoundOp::verify() {
  auto type = cast<MemRefType>(getArray().getType());
  if (failed(verifyElements(*this, type, /*allowsFloats=*/false)))
    return failure();
  // upper_bound_c1
  if (type.getRank() != static_cast<int64_t>(getRows().size()) + 1)
    return emitOpError("expects ") << type.getRank() - 1 << " indices, but got " << getRows().size();
  // upper_bound_c2
  if (!isAtOwnBatch(*this, getRows()))
    return emitOpError("expects an array of rank 2 to be searched at the batch of the predicate");
  return success();
}
