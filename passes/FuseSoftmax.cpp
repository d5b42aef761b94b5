//===- FuseSoftmax.cpp - One kernel for each attention --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the tile program: the loop over the visited key tiles with the online
// softmax, so that no score ever leaves the kernel. The same program serves
// every target; where tiles live is theirs to decide.
//
//===----------------------------------------------------------------------===//

#include "dialect/ResidueClass.h"
#include "dialect/ScalarRegion.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_FUSESOFTMAX
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// The tensor in memory, in any layout whose innermost stride is 1. One kernel serves all batches and lengths, so these
/// are dynamic even where the tensor's are not.
MemRefType getStridedMemRef(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape()), strides(tensor.getRank(), ShapedType::kDynamic);
  shape[0] = shape[2] = ShapedType::kDynamic;
  if (tensor.getRank() == 4)
    strides.back() = 1;
  auto layout = StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, strides);
  return MemRefType::get(shape, tensor.getElementType(), layout);
}

class KernelBuilder {
public:
  /// `score` is null where scores stay as they are.
  KernelBuilder(PatternOp pattern, ScoreOp score, ScheduleOp schedule, KernelOp kernel)
      : pattern(pattern), score(score), schedule(schedule), kernel(kernel),
        builder(OpBuilder::atBlockEnd(&kernel.getBody().front())), loc(kernel.getLoc()) {}

  void build();

private:
  TileType tile(ArrayRef<int64_t> shape, Type elementType) { return TileType::get(shape, elementType); }
  void buildSequence();
  void buildClass();
  /// Null for a null array.
  Value buildRows(Value array, Value first, Value count, int64_t step);
  Value buildKeyHead();
  Value buildVisit();
  Operation *buildResume(Type ofRow, Type ofRows);
  void buildStep(ForEachKeyTileOp loop, Value queryRows, Value keyHead, const PatternScope &scope);
  Value buildMask(Value scores, Value partial, Value keyTile, const PatternScope &scope);
  Value buildScoreMod(Value scores, Value keyTile);
  void buildUniformPart();
  /// The place in the whole array of a row's position among those of the residue class.
  Value buildPosition(Value position);

  auto getPatternCaptures() { return kernel.getCaptures().take_front(pattern.getCaptures().size()); }

  PatternOp pattern;
  ScoreOp score;
  ScheduleOp schedule;
  KernelOp kernel;
  OpBuilder builder;
  Location loc;
  Value queryLength, keyLength;
  Value batch; // of the arrays
  /// The arrays, or their rows of a sequence or of a residue class, the query tile among these, and their lengths.
  Value query, key, value, partialOutput, partialLse, output, lse, tileOfRows, queries, keys;
  std::optional<ResidueClass> residue;
  IRMapping scoreMap; // what stands for values of `score` that are the same for all pairs
};

/// The rows of the item's sequence, and their numbers. An array of one batch has all sequences in it.
void KernelBuilder::buildSequence() {
  batch = kernel.getBatch();
  if (!kernel.getSequences()) {
    queryLength = memref::DimOp::create(builder, loc, query, 2);
    keyLength = memref::DimOp::create(builder, loc, key, 2);
    return;
  }
  ScalarBuilder s(builder, loc);
  auto read = [&](KernelOp::SequenceColumn column) -> Value {
    Value number = ReadOp::create(builder, loc, builder.getI32Type(), kernel.getSequenceTable(),
                                  ValueRange{kernel.getBatch(), s.constant(column)});
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), number);
  };
  Value firstQuery = read(KernelOp::FirstQuery), firstKey = read(KernelOp::FirstKey);
  queryLength = read(KernelOp::Queries);
  keyLength = read(KernelOp::Keys);
  batch = s.min(batch, s.sub(memref::DimOp::create(builder, loc, query, 0), 1));
  query = buildRows(query, firstQuery, queryLength, /*step=*/1);
  key = buildRows(key, firstKey, keyLength, /*step=*/1);
  value = buildRows(value, firstKey, keyLength, /*step=*/1);
  for (Value *array : {&partialOutput, &partialLse, &output, &lse})
    *array = buildRows(*array, firstQuery, queryLength, /*step=*/1);
}

Value KernelBuilder::buildRows(Value array, Value first, Value count, int64_t step) {
  return array ? RowsOp::create(builder, loc, array.getType(), array, first, count, step) : Value();
}

/// Kernels over residue classes see every modulo-th row, and are otherwise the same.
void KernelBuilder::buildClass() {
  tileOfRows = kernel.getTile();
  queries = queryLength;
  keys = keyLength;
  int64_t modulo = kernel.getModulo();
  if (modulo == 1)
    return;
  ScalarBuilder s(builder, loc);
  residue = buildResidueClass(s, kernel.getTile(), queryLength, keyLength, modulo, kernel.getTileQ());
  tileOfRows = residue->tile;
  queries = residue->queries;
  keys = residue->keys;
  query = buildRows(query, residue->firstRow, Value(), modulo);
  key = buildRows(key, residue->number, Value(), modulo);
  value = buildRows(value, residue->number, Value(), modulo);
  for (Value *array : {&partialOutput, &partialLse, &output, &lse})
    *array = buildRows(*array, residue->firstRow, Value(), modulo);
}

/// Query head h reads key head h / (Hq / Hkv).
Value KernelBuilder::buildKeyHead() {
  Value queryHeads = builder.createOrFold<memref::DimOp>(loc, kernel.getQuery(), 1);
  Value keyHeads = builder.createOrFold<memref::DimOp>(loc, kernel.getKey(), 1);
  Value group = builder.createOrFold<arith::DivUIOp>(loc, queryHeads, keyHeads);
  return builder.createOrFold<arith::DivUIOp>(loc, kernel.getHead(), group);
}

Value KernelBuilder::buildVisit() {
  SmallVector<Value> operands{kernel.getBatch(), kernel.getHead(), kernel.getTile(), queryLength, keyLength};
  llvm::append_range(operands, getPatternCaptures());
  return VisitOp::create(builder, loc, VisitType::get(builder.getContext()), schedule.getSymName(), operands);
}

Value KernelBuilder::buildPosition(Value position) {
  if (!residue)
    return position;
  ScalarBuilder s(builder, loc);
  return s.add(s.mul(position, kernel.getModulo()), residue->number);
}

Value KernelBuilder::buildMask(Value scores, Value partial, Value keyTile, const PatternScope &scope) {
  auto mask = MaskOp::create(builder, loc, scores.getType(), scores, partial, tileOfRows, keyTile, queries, keys);
  OpBuilder::InsertionGuard guard(builder);
  Type index = builder.getIndexType();
  Block *body = builder.createBlock(&mask.getBody(), {}, {index, index}, {loc, loc});
  Value q = buildPosition(body->getArgument(0)), k = buildPosition(body->getArgument(1));
  Value attends = pattern.getRoot().buildPredicate(builder, scope, q, k);
  YieldOp::create(builder, loc, attends);
  return mask.getResult();
}

/// Emits what is the same for all pairs of an item, such as the slope of a head.
void KernelBuilder::buildUniformPart() {
  if (!score)
    return;
  auto captures = kernel.getCaptures().drop_front(pattern.getCaptures().size());
  for (auto [original, capture] : llvm::zip_equal(score.getCaptures(), captures))
    scoreMap.map(original, clampCaptured(builder, loc, capture));
  scoreMap.map(score.getBatch(), kernel.getBatch());
  scoreMap.map(score.getHead(), kernel.getHead());
  auto isUniform = [&](Value operand) { return scoreMap.contains(operand); };
  for (Operation &op : score.getBody().front().without_terminator())
    if (llvm::all_of(op.getOperands(), isUniform) && isSpeculatable(&op))
      builder.clone(op, scoreMap);
}

Value KernelBuilder::buildScoreMod(Value scores, Value keyTile) {
  if (!score)
    return scores;
  auto mod = ScoreModOp::create(builder, loc, scores.getType(), scores, tileOfRows, keyTile, queries, keys);
  OpBuilder::InsertionGuard guard(builder);
  Type index = builder.getIndexType();
  Block *body = builder.createBlock(&mod.getBody(), {}, {builder.getF32Type(), index, index}, {loc, loc, loc});
  IRMapping map = scoreMap;
  map.map(score.getOriginal(), body->getArgument(0));
  map.map(score.getQueryPosition(), buildPosition(body->getArgument(1)));
  map.map(score.getKeyPosition(), buildPosition(body->getArgument(2)));
  for (Operation &op : score.getBody().front())
    if (op.getNumResults() == 0 || !map.contains(op.getResult(0)))
      builder.clone(op, map);
  return mod.getResult();
}

void KernelBuilder::buildStep(ForEachKeyTileOp loop, Value queryRows, Value keyHead, const PatternScope &scope) {
  int64_t tileQ = kernel.getTileQ(), tileK = kernel.getTileK(), headSize = kernel.getHeadSize();
  Type f32 = builder.getF32Type(), index = builder.getIndexType();
  SmallVector<Type> types{index, index, builder.getI1Type()};
  llvm::append_range(types, loop.getInit().getTypes());
  Block *body = builder.createBlock(&loop.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
  Value keyTile = body->getArgument(1), partial = body->getArgument(2);
  Value rowMax = body->getArgument(3), rowSum = body->getArgument(4), accumulator = body->getArgument(5);

  TileType keys = tile({tileK, headSize}, kernel.getElementType());
  Value keyRows = LoadOp::create(builder, loc, keys, key, batch, keyHead, keyTile);
  Value scores = ScoresOp::create(builder, loc, tile({tileQ, tileK}, f32), queryRows, keyRows, kernel.getScaleAttr());
  scores = buildScoreMod(scores, keyTile);
  Value masked = buildMask(scores, partial, keyTile, scope);
  auto softmax = OnlineSoftmaxOp::create(builder, loc, rowMax.getType(), rowSum.getType(), masked.getType(),
                                         rowMax.getType(), masked, rowMax, rowSum);
  Value rescaled = RescaleOp::create(builder, loc, accumulator.getType(), accumulator, softmax.getCorrection());
  Value valueRows = LoadOp::create(builder, loc, keys, value, batch, keyHead, keyTile);
  Value sum = AccumulateOp::create(builder, loc, accumulator.getType(), softmax.getWeights(), valueRows, rescaled);
  YieldOp::create(builder, loc, ValueRange{softmax.getNewMax(), softmax.getNewSum(), sum});
  builder.setInsertionPointAfter(loop);
}

Operation *KernelBuilder::buildResume(Type ofRow, Type ofRows) {
  Type ofOutput = tile({static_cast<int64_t>(kernel.getTileQ()), kernel.getHeadSize()}, kernel.getElementType());
  Value rows = LoadOp::create(builder, loc, ofOutput, partialOutput, batch, kernel.getHead(), tileOfRows);
  Value sums = LoadOp::create(builder, loc, ofRow, partialLse, batch, kernel.getHead(), tileOfRows);
  return SoftmaxResumeOp::create(builder, loc, ofRow, ofRow, ofRows, rows, sums);
}

void KernelBuilder::build() {
  int64_t tileQ = kernel.getTileQ(), headSize = kernel.getHeadSize();
  Type f32 = builder.getF32Type();
  query = kernel.getQuery();
  key = kernel.getKey();
  value = kernel.getValue();
  if (kernel.getResumes()) {
    partialOutput = kernel.getPartialOutput();
    partialLse = kernel.getPartialLse();
  }
  output = kernel.getOutput();
  lse = kernel.getLse() ? Value(kernel.getArrays().back()) : Value();
  buildSequence();
  PatternScope scope(builder, loc, pattern, getPatternCaptures(), kernel.getBatch(), kernel.getHead(), queryLength,
                     keyLength);
  scope.modulo = kernel.getModulo();
  buildClass();
  Value keyHead = buildKeyHead();
  buildUniformPart();
  Value visit = buildVisit();
  Value queryRows = LoadOp::create(builder, loc, tile({tileQ, headSize}, kernel.getElementType()), query, batch,
                                   kernel.getHead(), tileOfRows);
  Type ofRow = tile({tileQ}, f32), ofRows = tile({tileQ, headSize}, f32);
  Operation *init = partialOutput ? buildResume(ofRow, ofRows)
                                  : SoftmaxInitOp::create(builder, loc, ofRow, ofRow, ofRows).getOperation();
  auto loop = ForEachKeyTileOp::create(builder, loc, init->getResultTypes(), visit, init->getResults());
  buildStep(loop, queryRows, keyHead, scope);
  auto last = FinalizeOp::create(builder, loc, ofRows, ofRow, loop.getResult(2), loop.getResult(0), loop.getResult(1));
  StoreOp::create(builder, loc, last.getOutput(), output, batch, kernel.getHead(), tileOfRows);
  if (lse)
    StoreOp::create(builder, loc, last.getLse(), lse, batch, kernel.getHead(), tileOfRows);
  ReturnOp::create(builder, loc);
}

struct FuseSoftmaxPass final : sparse_attn::impl::FuseSoftmaxBase<FuseSoftmaxPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      int64_t number = 0;
      SmallVector<AttentionOp> attentions;
      function.walk([&](AttentionOp attention) { attentions.push_back(attention); });
      for (AttentionOp attention : attentions)
        if (failed(fuse(symbols, attention, function.getSymName() + "_" + Twine(number++))))
          return signalPassFailure();
    }
  }

  LogicalResult fuse(SymbolTable &symbols, AttentionOp attention, const Twine &name);
};

/// The score region as an op of its own; null without one.
ScoreOp addScore(SymbolTable &symbols, AttentionOp attention, StringRef name) {
  Region &region = attention.getScore();
  if (region.empty())
    return {};
  OpBuilder builder(attention->getParentOfType<func::FuncOp>());
  auto score = ScoreOp::create(builder, attention.getLoc(), name);
  symbols.insert(score);
  Block &body = score.getBody().emplaceBlock();
  IRMapping map;
  for (Value capture : attention.getScoreCaptures())
    map.map(capture, body.addArgument(capture.getType(), capture.getLoc()));
  for (BlockArgument argument : region.getArguments())
    map.map(argument, body.addArgument(argument.getType(), argument.getLoc()));
  builder.setInsertionPointToStart(&body);
  for (Operation &op : region.front()) {
    for (Value operand : op.getOperands())
      if (!region.isAncestor(operand.getParentRegion()) && !map.contains(operand))
        builder.clone(*operand.getDefiningOp(), map); // a constant
    builder.clone(op, map);
  }
  return score;
}

KernelOp addKernel(SymbolTable &symbols, AttentionOp attention, ValueRange captures, ScoreOp score, ScheduleOp schedule,
                   StringRef name) {
  OpBuilder builder(attention->getParentOfType<func::FuncOp>());
  Location loc = attention.getLoc();
  auto kernel = KernelOp::create(builder, loc, name, attention.getPattern(), schedule.getTileQ(), schedule.getTileK(),
                                 APFloat(attention.getScaleOrDefault()), /*lse=*/bool(attention.getLse()),
                                 /*resumes=*/bool(attention.getPartialOutput()),
                                 /*sequences=*/attention.hasSequences(), schedule.getModulo(),
                                 score ? FlatSymbolRefAttr::get(score.getSymNameAttr()) : FlatSymbolRefAttr());
  symbols.insert(kernel);
  Block &body = kernel.getBody().emplaceBlock();
  for (Value array : {attention.getQuery(), attention.getKey(), attention.getValue()})
    body.addArgument(getStridedMemRef(array.getType()), loc);
  for (Value capture : captures)
    body.addArgument(capture.getType(), loc);
  if (attention.hasSequences())
    body.addArgument(MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, builder.getI32Type()), loc);
  if (attention.getPartialOutput()) {
    body.addArgument(getStridedMemRef(attention.getPartialOutput().getType()), loc);
    body.addArgument(getStridedMemRef(attention.getPartialLse().getType()), loc);
  }
  body.addArgument(getStridedMemRef(attention.getOutput().getType()), loc);
  if (attention.getLse())
    body.addArgument(getStridedMemRef(attention.getLse().getType()), loc);
  for (int i = 0; i < 3; ++i)
    body.addArgument(builder.getIndexType(), loc);
  return kernel;
}

LogicalResult FuseSoftmaxPass::fuse(SymbolTable &symbols, AttentionOp attention, const Twine &name) {
  if (!attention.getSchedules())
    return attention.emitOpError("expects a schedule; run -sparse-attn-specialize-blocks first");
  SmallVector<Value> captures(attention.getCaptures());
  llvm::append_range(captures, attention.getScoreCaptures());
  PatternOp pattern = symbols.lookup<PatternOp>(attention.getPattern());
  ScoreOp score = addScore(symbols, attention, (name + "_score").str());
  SmallVector<Attribute> kernels;
  for (auto scheduleName : attention.getSchedulesAttr().getAsRange<FlatSymbolRefAttr>()) {
    auto schedule = symbols.lookup<ScheduleOp>(scheduleName.getValue());
    if (!schedule)
      return attention.emitOpError("expects '") << scheduleName.getValue() << "' to name a schedule, but found none";
    std::string suffix =
        kernels.empty() ? "" : ("_" + Twine(schedule.getTileQ()) + "x" + Twine(schedule.getTileK())).str();
    KernelOp kernel = addKernel(symbols, attention, captures, score, schedule, (name + suffix).str());
    KernelBuilder(pattern, score, schedule, kernel).build();
    kernels.push_back(FlatSymbolRefAttr::get(kernel.getSymNameAttr()));
  }
  OpBuilder builder(attention);
  auto launch = LaunchOp::create(builder, attention.getLoc(), attention.getResultTypes(), builder.getArrayAttr(kernels),
                                 attention.getQuery(), attention.getKey(), attention.getValue(), captures,
                                 attention.getPartialOutput(), attention.getPartialLse(), attention.getQLengths(),
                                 attention.getKLengths(), attention.getQOffsets(), attention.getKOffsets());
  attention.replaceAllUsesWith(launch.getResults());
  attention.erase();
  return success();
}

} // namespace
