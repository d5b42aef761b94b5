//===- AmpereKernel.cpp - Kernels of the sm_80 family ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp owns 16 rows of queries and keeps their scores and outputs in
// registers (Dao, "FlashAttention-2", 2023). All warps share one tile of keys
// and one of values in shared memory, which cp.async fills: values arrive while
// the scores are computed, the next keys during the softmax and the second
// product.
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/AmpereKernel.h"
#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/nvvm/KernelEmitter.h"
#include "passes/nvvm/TileSizes.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

namespace {

/// Elements of a 16-byte chunk, of a slab's row, and rows and columns of a matrix fragment.
constexpr int64_t kChunk = 8, kSlab = 64, kFragment = 16;
/// Bytes of a chunk and of a slab's row.
constexpr int64_t kChunkBytes = 16, kRowBytes = 128;
/// Up to this head size the queries' fragments stay in registers.
constexpr int64_t kQueriesInRegisters = 128;

class AmpereEmitter final : public KernelEmitter {
public:
  AmpereEmitter(OpBuilder &builder, KernelParts parts, const Target &target)
      : KernelEmitter(builder, parts, target),
        fragment(b, kernel.getScale().convertToDouble(), bool(kernel.getScoreAttr())) {
    threads = tileQ / kFragment * kWarp;
    keysOffset = slabs() * tileQ * kRowBytes;
    valuesOffset = keysOffset + slabs() * tileK * kRowBytes;
    tableOffset = valuesOffset + slabs() * tileK * kRowBytes;
  }

  void emit();

private:
  int64_t slabs() const { return llvm::divideCeil(headSize, kSlab); }
  void emitLanes();
  void copyRows(const HeadRows &rows, Value firstRow, Value length, int64_t tileRows, int64_t offset);
  void copyChunk(const HeadRows &rows, Value firstRow, Value length, Value row, Value chunk, int64_t tileRows,
                 int64_t offset);
  void commitCopies() { NVVM::CpAsyncCommitGroupOp::create(builder, loc); }
  void awaitCopies();

  /// Four 8 x 8 matrices from a tile of `tileRows` rows: the lane's row plus `row`, chunk `chunk` plus the lane's 0
  /// or 1.
  SmallVector<Value> loadMatrices(int64_t offset, int64_t tileRows, Value laneRow, int64_t row, Value laneChunk,
                                  int64_t chunk, bool transposed);
  void multiply(ArrayRef<Value> a, ArrayRef<Value> bWords, MutableArrayRef<Value> accumulator);
  SmallVector<Value> loadQueries(int64_t step);
  SmallVector<Value> emitProducts();
  void accumulate(ArrayRef<Value> weights, MutableArrayRef<Value> accumulator);
  SmallVector<Value> emitLoop(KeyTileCursor &cursor);
  SmallVector<Value> emitStep(KeyTileCursor &cursor, Value rank, ValueRange carried);

  RowFragment fragment;
  int64_t threads, keysOffset, valuesOffset, tableOffset;
  Value shared, thread, lane, warp;
  Value low3, bit3, bit4; // of the lane: l % 8, (l / 8) % 2, l / 16
  Value laneRow, laneColumn;
  Value count;
  HeadRows keyRows, valueRows;
  size_t placeSize = 0;
  SmallVector<SmallVector<Value>> queryWords; // by step of 16 columns; empty where they are loaded each time
};

void AmpereEmitter::emitLanes() {
  shared = SharedMemoryOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext(), Shared));
  thread = b.threadId();
  lane = b.both(thread, kWarp - 1);
  warp = b.div(thread, kWarp);
  low3 = b.both(lane, 7);
  bit3 = b.both(b.shiftRight(lane, 3), 1);
  bit4 = b.shiftRight(lane, 4);
}

/// Rows past the length become zeros, and nothing of them is read.
void AmpereEmitter::copyChunk(const HeadRows &rows, Value firstRow, Value length, Value row, Value chunk,
                              int64_t tileRows, int64_t offset) {
  Value position = b.add(firstRow, row);
  Value exists = b.less(position, length);
  Value last = b.sub(length, 1);
  Value source = b.offset(rows.address, b.mul(b.toWide(b.min(position, last)), rows.stride));
  source = b.offset(source, b.toWide(b.mul(chunk, kChunkBytes)));
  Value slab = b.div(chunk, kSlab / kChunk), place = b.exclusive(b.both(chunk, 7), b.both(row, 7));
  Value at = b.add(b.mul(slab, tileRows * kRowBytes), b.add(b.mul(row, kRowBytes), b.mul(place, kChunkBytes)));
  Value bytes = b.select(exists, b.integer(kChunkBytes), b.integer(0));
  NVVM::CpAsyncOp::create(builder, loc, b.offset(b.offset(shared, at), offset), source, kChunkBytes,
                          NVVM::LoadCacheModifierKind::CG, bytes);
}

void AmpereEmitter::copyRows(const HeadRows &rows, Value firstRow, Value length, int64_t tileRows, int64_t offset) {
  int64_t chunksInRow = headSize / kChunk, chunks = tileRows * chunksInRow;
  bool even = threads % chunksInRow == 0;
  for (int64_t first = 0; first < chunks; first += threads) {
    Value index = b.add(thread, first);
    // With an even division the chunk is the same in every pass, and the row advances by a constant.
    Value chunk = b.rem(even ? thread : index, chunksInRow);
    Value row = even ? b.add(b.div(thread, chunksInRow), first / chunksInRow) : b.div(index, chunksInRow);
    auto copy = [&] { copyChunk(rows, firstRow, length, row, chunk, tileRows, offset); };
    if (first + threads <= chunks)
      copy();
    else
      b.emitIf(b.less(index, b.integer(chunks)), copy);
  }
}

/// This thread's copies are waited for, then those of all threads.
void AmpereEmitter::awaitCopies() {
  NVVM::CpAsyncWaitGroupOp::create(builder, loc, 0);
  b.syncThreads();
}

SmallVector<Value> AmpereEmitter::loadMatrices(int64_t offset, int64_t tileRows, Value laneRow, int64_t row,
                                               Value laneChunk, int64_t chunk, bool transposed) {
  int64_t slab = chunk / (kSlab / kChunk);
  // Rows are multiples of 8 apart, so the swizzle of all of them is that of the lane.
  Value place = b.exclusive(b.add(laneChunk, chunk % (kSlab / kChunk)), low3);
  Value at = b.add(b.mul(laneRow, kRowBytes), b.mul(place, kChunkBytes));
  Value address = b.offset(b.offset(shared, at), offset + slab * tileRows * kRowBytes + row * kRowBytes);
  Type i32 = builder.getI32Type();
  auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(), {i32, i32, i32, i32});
  auto shape = NVVM::LdStMatrixShapeAttr::get(builder.getContext(), 8, 8);
  Value matrices = NVVM::LdMatrixOp::create(builder, loc, Type(type), address, uint32_t(4),
                                            transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row, shape,
                                            NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> words;
  for (int64_t i = 0; i < 4; ++i)
    words.push_back(LLVM::ExtractValueOp::create(builder, loc, matrices, i));
  return words;
}

/// accumulator (16 x 8) += a (16 x 16) * b (16 x 8)
void AmpereEmitter::multiply(ArrayRef<Value> a, ArrayRef<Value> bWords, MutableArrayRef<Value> accumulator) {
  Type f32 = builder.getF32Type();
  auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(), {f32, f32, f32, f32});
  NVVM::MMATypes element = elementType.isBF16() ? NVVM::MMATypes::bf16 : NVVM::MMATypes::f16;
  auto words = [&](ArrayRef<Value> integers) -> SmallVector<Value> {
    if (elementType.isBF16())
      return SmallVector<Value>(integers);
    auto pair = VectorType::get({2}, builder.getF16Type());
    return llvm::map_to_vector(integers,
                               [&](Value word) -> Value { return LLVM::BitcastOp::create(builder, loc, pair, word); });
  };
  Value product = NVVM::MmaOp::create(builder, loc, type, words(a), words(bWords), ValueRange(accumulator),
                                      ArrayRef<int64_t>{16, 8, 16}, std::nullopt, std::nullopt,
                                      std::array<NVVM::MMATypes, 2>{element, element},
                                      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (int64_t i = 0; i < 4; ++i)
    accumulator[i] = LLVM::ExtractValueOp::create(builder, loc, product, i);
}

SmallVector<Value> AmpereEmitter::loadQueries(int64_t step) {
  if (!queryWords.empty())
    return queryWords[step];
  Value row = b.add(b.mul(warp, kFragment), b.add(low3, b.mul(bit3, 8)));
  return loadMatrices(0, tileQ, row, 0, bit4, 2 * step, /*transposed=*/false);
}

/// Q K^T, in steps of 16 columns and 16 keys.
SmallVector<Value> AmpereEmitter::emitProducts() {
  SmallVector<Value> scores(tileK / 2, b.number(0));
  Value row = b.add(low3, b.mul(bit4, 8));
  for (int64_t step = 0; step < headSize / kFragment; ++step) {
    SmallVector<Value> a = loadQueries(step);
    for (int64_t key = 0; key < tileK; key += kFragment) {
      SmallVector<Value> words = loadMatrices(keysOffset, tileK, row, key, bit3, 2 * step, /*transposed=*/false);
      MutableArrayRef<Value> pair = MutableArrayRef<Value>(scores).slice(key / 2, 8);
      multiply(a, ArrayRef<Value>(words).take_front(2), pair.take_front(4));
      multiply(a, ArrayRef<Value>(words).take_back(2), pair.take_back(4));
    }
  }
  return scores;
}

/// accumulator += weights * V; the weights are operands A as they come out of the softmax.
void AmpereEmitter::accumulate(ArrayRef<Value> weights, MutableArrayRef<Value> accumulator) {
  Value row = b.add(low3, b.mul(bit3, 8));
  for (int64_t key = 0; key < tileK; key += kFragment) {
    ArrayRef<Value> a = weights.slice(key / 4, 4);
    for (int64_t column = 0; column < headSize; column += kFragment) {
      SmallVector<Value> words =
          loadMatrices(valuesOffset, tileK, row, key, bit4, column / kChunk, /*transposed=*/true);
      MutableArrayRef<Value> pair = accumulator.slice(column / 2, 8);
      multiply(a, ArrayRef<Value>(words).take_front(2), pair.take_front(4));
      multiply(a, ArrayRef<Value>(words).take_back(2), pair.take_back(4));
    }
  }
}

/// The loop carries the place, the accumulator, the row maxima and the row sums.
SmallVector<Value> AmpereEmitter::emitStep(KeyTileCursor &cursor, Value rank, ValueRange carried) {
  KeyTileCursor::State place(carried.take_front(placeSize));
  SmallVector<Value> accumulator(carried.slice(placeSize, headSize / 2));
  ValueRange last = carried.take_back(4);
  SoftmaxState state{{last[0], last[1]}, {last[2], last[3]}};

  awaitCopies(); // of the keys; and all threads are done with the last values
  copyRows(valueRows, b.mul(cursor.getTile(place), tileK), keyLength, tileK, valuesOffset);
  commitCopies();
  SmallVector<Value> scores = emitProducts();

  awaitCopies(); // of the values; and all threads are done with the keys
  Value next = b.add(rank, 1);
  KeyTileCursor::State nextPlace = cursor.emitNext(place);
  b.emitIf(b.less(next, count),
           [&] { copyRows(keyRows, b.mul(cursor.getTile(nextPlace), tileK), keyLength, tileK, keysOffset); });
  commitCopies();

  modifyScores(fragment, scores, laneRow, cursor.getTile(place), laneColumn);
  maskIfPartial(fragment, scores, cursor.isPartial(place), laneRow, cursor.getTile(place), laneColumn, rank);
  RowPair correction = fragment.softmax(scores, state);
  fragment.scaleRows(accumulator, correction);
  accumulate(fragment.pack(scores, elementType), accumulator);

  SmallVector<Value> results = nextPlace;
  llvm::append_range(results, accumulator);
  llvm::append_range(results, ArrayRef<Value>{state.rowMax[0], state.rowMax[1], state.rowSum[0], state.rowSum[1]});
  return results;
}

SmallVector<Value> AmpereEmitter::emitLoop(KeyTileCursor &cursor) {
  KeyTileCursor::State first = cursor.emitFirst();
  placeSize = first.size();
  b.emitIf(b.less(b.integer(0), count),
           [&] { copyRows(keyRows, b.mul(cursor.getTile(first), tileK), keyLength, tileK, keysOffset); });
  commitCopies();
  if (headSize <= kQueriesInRegisters) {
    awaitCopies();
    SmallVector<SmallVector<Value>> loaded;
    for (int64_t step = 0; step < headSize / kFragment; ++step)
      loaded.push_back(loadQueries(step));
    queryWords = std::move(loaded);
  }
  SmallVector<Value> carried = first, accumulator(headSize / 2);
  SoftmaxState init = startSoftmax(fragment, accumulator, laneRow, lane);
  llvm::append_range(carried, accumulator);
  llvm::append_range(carried, ArrayRef<Value>{init.rowMax[0], init.rowMax[1], init.rowSum[0], init.rowSum[1]});
  auto loop = scf::ForOp::create(builder, loc, b.integer(0), count, b.integer(1), carried,
                                 [&](OpBuilder &, Location, Value rank, ValueRange state) {
                                   scf::YieldOp::create(builder, loc, emitStep(cursor, rank, state));
                                 });
  return loop.getResults();
}

void AmpereEmitter::emit() {
  createFunction({threads, tableOffset + getTableBytes(), /*perMultiprocessor=*/1}, /*persistent=*/false, {});
  emitLanes();
  emitScalars(splitItem(getItemNumber(b.blockId())));
  Value firstRow = b.mul(queryTile, tileQ);
  laneRow = b.add(firstRow, b.add(b.mul(warp, kFragment), b.shiftRight(lane, 2)));
  laneColumn = b.mul(b.both(lane, 3), 2);
  copyRows(getHeadRows(queries, item.head), firstRow, queryLength, tileQ, 0);
  Value keyHead = getKeyHead();
  keyRows = getHeadRows(keys, keyHead);
  valueRows = getHeadRows(values, keyHead);
  std::unique_ptr<KeyTileCursor> cursor = createCursor(b.offset(shared, tableOffset));
  cursor->emitSetup(b.equal(thread, 0));
  b.syncThreads();
  count = cursor->getCount();
  SmallVector<Value> results = emitLoop(*cursor);
  ArrayRef<Value> last = ArrayRef<Value>(results).take_back(4);
  SoftmaxState state{{last[0], last[1]}, {last[2], last[3]}};
  MutableArrayRef<Value> accumulator = MutableArrayRef<Value>(results).slice(placeSize, headSize / 2);
  auto [inverse, lse] = fragment.finish(state);
  fragment.scaleRows(accumulator, inverse);
  storeOutput(fragment.pack(accumulator, elementType), laneRow, lane);
  storeLogSumExp(lse, laneRow, lane);
  // Copies that nobody waits for may still write when the block ends.
  NVVM::CpAsyncWaitGroupOp::create(builder, loc, 0);
  finishFunction();
}

} // namespace

void nvvm::emitAmpereKernel(OpBuilder &builder, KernelParts parts, const Target &target) {
  AmpereEmitter(builder, parts, target).emit();
}
