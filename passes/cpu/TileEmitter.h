//===- TileEmitter.h - Tile programs as vector code -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything is transposed: S^T = K Q^T and O^T += V^T P^T, with queries in the
// lanes of vectors. Keys and values are then read as they lie in memory, one
// scalar at a time, and row maximum, row sum and mask are lane by lane: no
// horizontal reduction anywhere. Only Q is packed and O unpacked, once a tile.
//
// Tile values live in scratch memory. The program uses each state of the
// softmax once, so each has one place and is updated there.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_TILEEMITTER_H
#define SPARSE_ATTN_PASSES_CPU_TILEEMITTER_H

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/IRMapping.h"
#include "passes/PredicateEmitter.h"
#include "passes/cpu/LaneMath.h"
#include "passes/cpu/RegisterTile.h"
#include "passes/cpu/ScratchLayout.h"
#include "passes/cpu/Target.h"

namespace mlir::sparse_attn::cpu {

/// Some rows of one head: row r of them is row `first + r` of `rows`.
struct HeadRows {
  Value rows;  // memref<?x(head size)x(element), strided<[?, 1], offset: ?>>
  Value first; // index
  Value count; // index: how many exist; null when all of the tile do
};

/// A region that is asked about the pairs of a tile. Positions are `index`.
struct TileRegion {
  Region &region;          // ends in (query, key)
  PredicateAccess &access; // for what it asks of captures
  const IRMapping &map;    // for what it uses from outside
  Value firstQuery;        // aligned position of lane 0
  Value lastQuery;         // aligned position of the last query that exists
  Value firstKey;          // position of the first key
};

/// Where the limits of the scores of a tile are.
enum class Limits {
  None,      // every key attends
  Pairs,     // one a pair, in the place of its score
  Diagonals, // one a distance
};

class TileEmitter {
public:
  TileEmitter(OpBuilder &builder, Location loc, KernelOp kernel, const Target &target, const ScratchLayout &layout,
              Value scratch);

  /// Q^T; rows past the last repeat it, and are never stored.
  void packQueries(const HeadRows &queries);

  /// Row maximum -inf, row sum 0, accumulator 0.
  void initState();

  /// The state that a partial result stands for; `logSumExps` is memref<?xf32, strided<[?], offset: ?>>.
  void resumeState(const HeadRows &output, Value logSumExps);

  /// The limits of the scores: infinity where the key exists and attends, -infinity elsewhere.
  Limits emitLimits(const HeadRows &keys, const TileRegion &mask);

  /// S^T = K Q^T and the new row maximum, no score above its limit. Fetches `values` meanwhile.
  void emitScores(const HeadRows &keys, const HeadRows &values, Limits limits);

  /// Makes new scores of the products of a tile, in place, and their row maximum: -infinity where `mask`, unless it is
  /// null, does not hold. It comes last, so that products which are not finite reach the region as they are.
  void emitScoreMod(const HeadRows &keys, const TileRegion &mod, const TileRegion *mask);

  /// Weights from scores, in place; row sum and correction.
  void emitOnlineSoftmax(const HeadRows &keys);

  /// O^T = O^T * correction + V^T P^T. Fetches the keys of the tile behind `keys` meanwhile.
  void emitAccumulate(const HeadRows &values, const HeadRows &keys);

  /// The same for a partial tile, pair by pair: values of keys that do not attend stay out even where they are not
  /// finite.
  void emitCarefulAccumulate(const HeadRows &values, const TileRegion &mask);

  /// i1: is the accumulator finite? Where it is, no value of a key that does not attend has come in.
  Value hasFiniteOutput();

  /// Fetches the rows that `storeOutput` will write, and the queries of the tile that is likely to come next.
  void prefetchItem(const HeadRows &queries, const HeadRows &output);

  /// O = (O^T / row sum)^T, the rows that exist.
  void storeOutput(const HeadRows &output);

  /// Row maximum + log(row sum) of the rows that exist; `target` is memref<?xf32, strided<[?], offset: ?>>.
  void storeLogSumExp(Value target, Value first, Value count);

  /// Row maximum of the scores of the rows that exist; likewise.
  void storeRowMaximum(Value target, Value first, Value count);

  // What kernels over blocks do with scores: TileBlocks.cpp.

  /// The log-sum-exps of the `count` rows from `first` on, as many as the tile has; `logSumExps` as in resumeState.
  void loadLogSumExps(Value logSumExps, Value first, Value count);

  /// Weights from scores, in place: exp(score - log-sum-exp), and 0 for pairs that do not exist.
  void emitWeightsOf(const HeadRows &keys);

  /// Stores the weights of all pairs to block `number` of `target`, memref<?x(tile q)x(tile k)xf32>.
  void storeBlock(Value target, Value number);

  /// Sums of the weights of each key: none, those of the tile more, and the `count` existing ones of them to `target`
  /// from `first` on; `target` as in storeLogSumExp.
  void initColumns();
  void addColumns();
  void storeColumns(Value target, Value first, Value count);

private:
  /// The first `count` lanes of a state, to `target` from `first` on.
  void storeRows(Place place, Value target, Value first, Value count);
  void forEachPanel(function_ref<void(Value column)> body);
  void forEachLaneVector(function_ref<void(Value column)> body);
  void forEach(Value begin, Value end, int64_t step, function_ref<void(Value index)> body);

  Value load(Place place, Value row, Value column);
  void store(Value value, Place place, Value row, Value column);
  Value loadState(Place place, Value column) { return load(place, s.constant(0), column); }
  void storeState(Value value, Place place, Value column) { store(value, place, s.constant(0), column); }
  /// The columns of the vectors of the panel that starts at `column`.
  SmallVector<Value> columnsOf(Value column);

  /// Keys of a tile, rounded up to what the loops step by; those past the last repeat it under weight 0.
  Value roundedCount(const HeadRows &rows);
  Value existingRow(const HeadRows &rows, Value row);

  void emitPairLimits(const HeadRows &keys, const TileRegion &mask);
  void emitDiagonalLimits(const TileRegion &mask);
  /// Aligned positions of the queries from `column` on; those past the last repeat it.
  Value queriesAt(const TileRegion &mask, Value column);
  /// The limits of a key's scores, for the queries from `column` on.
  Value loadLimits(const HeadRows &keys, Limits limits, Value key, Value column);
  Value limitsWhere(Value attends);
  /// Do the queries from `column` on attend to key `row` of the tile (i1 a lane)? Without `queries`, their diagonals
  /// say.
  Value attendsWhere(const HeadRows &keys, const TileRegion &mask, const RowPredicate *queries, Value row,
                     Value column);
  Value emitModifiedScore(const TileRegion &mod, Value query, Value row, Value column);
  Value laneNumbers();
  Value toWord(Value index);

  /// Fetches `count` rows from `row` on; rows past the last are not touched.
  void prefetchRows(const HeadRows &rows, Value row, int64_t count, bool write);
  Value broadcastElement(const HeadRows &rows, Value row, Value column);
  Value broadcastPair(Value pairs, Value row, Value column);
  void packQueryPairs(const HeadRows &queries);
  void widenRows(const HeadRows &rows);
  void packValuePairs(const HeadRows &values);
  Value loadWidened(const HeadRows &rows, Value row, Value column, int64_t width);
  void transposeBlock(function_ref<Value(int64_t)> input, function_ref<void(int64_t, Value)> output);
  Value loadWeights(Value key, Value column);
  Value isEmptyRow(Value rowSum);
  void storeOutputBlock(const HeadRows &output, Value column, Value dimension, bool checked);
  SmallVector<Value> emitWeights(const HeadRows &keys, Value column, ArrayRef<Value> negatedMaximum,
                                 ArrayRef<Value> rowSum);

  OpBuilder &builder;
  Location loc;
  const ScratchLayout &layout;
  ScalarBuilder s;
  LaneMath lanes;
  RegisterTile registerTile;
  ProductKind kind;
  Type elementType;
  int64_t tileQ, tileK, headSize, width;
  double scale;
  double softmaxScale; // of the scores in memory: 1 where they have theirs already
  SmallVector<Value> places;
};

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_TILEEMITTER_H
