//===- Tile.td - The target-independent tile program -------*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_TILE
#define SPARSE_ATTN_TILE

include "dialect/Dialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def SparseAttn_ScoreOp : SparseAttn_Op<"score", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>, Symbol, IsolatedFromAbove, SingleBlock, HasParent<"::mlir::ModuleOp">]> {
  let summary = "What becomes of the scores of an attention";
  let description = [{
    The score region of an attention as a function of its captures and of (score, batch, head, aligned query position, key
    position). Kernels have it inlined; what checks their results asks this.

    Made by `-sparse-attn-fuse-softmax`; consumed by `-sparse-attn-convert-to-cpu` and `-sparse-attn-convert-to-nvvm`.

    **Constraints:**
    - (C1) the last arguments are an f32 and four of type `index`.
    - (C2) the region holds what a score region may hold, and yields one f32.

    ```mlir
    sparse_attn.score @attention_0_score {
    ^bb0(%slopes: memref<?xf32>, %score: f32, %b: index, %h: index, %qp: index, %kp: index):
      ...
      sparse_attn.yield %biased : f32
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    Block::BlockArgListType getCaptures() { return getBody().getArguments().drop_back(5); }
    BlockArgument getOriginal() { return getBody().getArguments().take_back(5)[0]; }
    BlockArgument getBatch() { return getBody().getArguments().take_back(5)[1]; }
    BlockArgument getHead() { return getBody().getArguments().take_back(5)[2]; }
    BlockArgument getQueryPosition() { return getBody().getArguments().take_back(5)[3]; }
    BlockArgument getKeyPosition() { return getBody().getArguments().take_back(5)[4]; }
  }];
}

def SparseAttn_KernelOp : SparseAttn_Op<"kernel", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    Symbol, IsolatedFromAbove, SingleBlock, HasParent<"::mlir::ModuleOp">]> {
  let summary = "One work item of attention: one query tile of one head";
  let description = [{
    Arguments: query, key, value, captures (those of the pattern, then those of the scores), the table of sequences if the
    kernel is for `sequences`, a partial output and its log-sum-exp if it `resumes` from these, output, log-sum-exp and row
    maximum if there are; then the item: batch, head and query tile. Arrays are memrefs with any strides but the innermost, which
    is 1. With `modulo` the tiles are numbered as those of the schedule are.

    A kernel of `weights` or `column_sums` has a log-sum-exp in the place of values, a block list for its items, which
    kernels read beside their arguments (docs/artifact.md), and its results in that of the output: blocks [n, tile q, tile
    k], or sums [batch, heads, key length]. The items of column sums are tiles of keys.

    The table has a row for each sequence: its first query, the number of its queries, its first key, and the number of
    its keys; one more row has the greatest numbers of queries and keys. The batch of an item is the number of a sequence.

    Made by `-sparse-attn-fuse-softmax`; consumed by `-sparse-attn-convert-to-cpu`.

    **Constraints:**
    - (C1) the region ends in `sparse_attn.return`.
    - (C2) the last three arguments are of type `index`.
    - (C3) `modulo` is positive.
    - (C4) `score`, if there is one, names a `sparse_attn.score`, with the types of the last captures.
    - (C5) the table of sequences is a `memref<?x?xi32>`.
    - (C6) at most one of `weights` and `column_sums`, with neither log-sum-exp, row maximum, sequences nor partial result.

    ```mlir
    sparse_attn.kernel @attention_0 of(@longformer) tile(64, 64) {
    ^bb0(%q: memref<...>, %k: memref<...>, %v: memref<...>, %o: memref<...>, %b: index, %h: index, %t: index):
      ...
      sparse_attn.return
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$pattern, I64Attr:$tileQ, I64Attr:$tileK,
                       F64Attr:$scale, UnitAttr:$lse, UnitAttr:$rowMax, UnitAttr:$resumes, UnitAttr:$sequences,
                       UnitAttr:$weights, UnitAttr:$columnSums,
                       DefaultValuedOptionalAttr<I64Attr, "1">:$modulo, OptionalAttr<FlatSymbolRefAttr>:$score);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`weights` $weights^)? (`column_sums` $columnSums^)? `of` `(` $pattern `)` `tile` `(` custom<Number>($tileQ) `,` custom<Number>($tileK) `)`
    `scale` `(` custom<Scale>($scale) `)` (`score` `(` $score^ `)`)? (`sequences` $sequences^)? (`resumes` $resumes^)? (`lse` $lse^)? (`row_max` $rowMax^)?
    (`modulo` `(` custom<Number>($modulo)^ `)`)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    BlockArgument getQuery() { return getBody().getArgument(0); }
    BlockArgument getKey() { return getBody().getArgument(1); }
    BlockArgument getValue() { return getBody().getArgument(2); }
    /// Is it about the visited blocks, each for itself?
    bool isOverBlocks() { return getWeights() || getColumnSums(); }
    /// Of kernels over blocks.
    BlockArgument getLogSumExp() { return getBody().getArgument(2); }
    Block::BlockArgListType getCaptures() {
      return getBody().getArguments().drop_front(3).drop_back(
          (getSequences() ? 1 : 0) + (getResumes() ? 2 : 0) + countResults() + 3);
    }
    /// Of kernels for sequences, a memref<?x?xi32>. The columns of a row:
    enum SequenceColumn { FirstQuery, Queries, FirstKey, Keys, kSequenceColumns };
    BlockArgument getSequenceTable() {
      return getBody().getArgument(getOutput().getArgNumber() - (getResumes() ? 3 : 1));
    }
    /// Of kernels that resume.
    BlockArgument getPartialOutput() { return getBody().getArgument(getOutput().getArgNumber() - 2); }
    BlockArgument getPartialLse() { return getBody().getArgument(getOutput().getArgNumber() - 1); }
    /// The number among the captures of an argument that is one.
    unsigned getCaptureNumber(Value capture) { return ::llvm::cast<BlockArgument>(capture).getArgNumber() - 3; }
    /// Output, log-sum-exp and row maximum.
    unsigned countResults() { return 1 + (getLse() ? 1 : 0) + (getRowMax() ? 1 : 0); }
    BlockArgument getOutput() { return getBody().getArgument(getBody().getNumArguments() - 3 - countResults()); }
    /// Where they are written, in kernels that have them.
    BlockArgument getLseTarget() { return getBody().getArgument(getOutput().getArgNumber() + 1); }
    BlockArgument getRowMaxTarget() { return getArrays().back(); }
    /// Arguments without the item.
    Block::BlockArgListType getArrays() { return getBody().getArguments().drop_back(3); }
    BlockArgument getBatch() { return getBody().getArgument(getBody().getNumArguments() - 3); }
    BlockArgument getHead() { return getBody().getArgument(getBody().getNumArguments() - 2); }
    BlockArgument getTile() { return getBody().getArgument(getBody().getNumArguments() - 1); }
    int64_t getHeadSize() { return ::llvm::cast<MemRefType>(getQuery().getType()).getDimSize(3); }
    Type getElementType() { return ::llvm::cast<MemRefType>(getQuery().getType()).getElementType(); }
  }];
}

def SparseAttn_ReturnOp : SparseAttn_Op<"return", [Terminator, HasParent<"KernelOp">]> {
  let summary = "Ends a kernel";
  let assemblyFormat = "attr-dict";
}

class TileOp<string mnemonic, list<Trait> traits = []> : SparseAttn_Op<mnemonic, traits>;

def SparseAttn_VisitOp : TileOp<"visit", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The key tiles of this item, by a schedule";
  let description = [{
    **Constraints:**
    - (C1) `schedule` names a schedule, and the operands have the types of its arguments.

    ```mlir
    %visit = sparse_attn.visit @longformer_64x64(%b, %h, %t, %sq, %skv) : index, index, index, index, index
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$schedule, Variadic<AnyType>:$operands);
  let results = (outs SparseAttn_Visit:$result);
  let assemblyFormat = "$schedule `(` $operands `)` attr-dict `:` type($operands)";
}

def SparseAttn_RowsOp : TileOp<"rows", [Pure, AllTypesMatch<["source", "result"]>]> {
  let summary = "Every step-th row of each head";
  let description = [{
    A view: row i of the result is row `first + i * step` of the source. There are as many as `count` says, else as the
    source has; with a source shorter than `first` there are none.

    **Constraints:**
    - (C1) the step is positive.

    ```mlir
    %class = sparse_attn.rows %k from(%c) step(8) : memref<?x8x?x64xf32, #s>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$first, Optional<Index>:$count, I64Attr:$step);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $source `from` `(` $first `)` (`count` `(` $count^ `)`)? `step` `(` custom<Number>($step) `)` attr-dict `:` type($source)
  }];
  let hasVerifier = 1;
}

def SparseAttn_LoadOp : TileOp<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "Rows of tile `tile` of one head, or their log-sum-exps";
  let description = [{
    Rows past the length are never loaded; what stands in their place is undefined.

    ```mlir
    %kt = sparse_attn.load %k[%b, %hk, %j] : memref<?x8x?x64xf32, #s> -> !sparse_attn.tile<64x64xf32>
    %pl = sparse_attn.load %lse[%b, %h, %t] : memref<?x8x?xf32, #s> -> !sparse_attn.tile<64xf32>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$batch, Index:$head, Index:$tile);
  let results = (outs SparseAttn_Tile:$result);
  let assemblyFormat = "$source `[` $batch `,` $head `,` $tile `]` attr-dict `:` type($source) `->` type($result)";
}

def SparseAttn_SoftmaxInitOp : TileOp<"softmax_init", [Pure]> {
  let summary = "The state before the first key tile: row maximum -inf, row sum 0, accumulator 0";
  let results = (outs SparseAttn_Tile:$rowMax, SparseAttn_Tile:$rowSum, SparseAttn_Tile:$accumulator);
  let assemblyFormat = "attr-dict `:` type($rowMax) `,` type($rowSum) `,` type($accumulator)";
}

def SparseAttn_SoftmaxResumeOp : TileOp<"softmax_resume", [Pure, AllTypesMatch<["lse", "rowMax", "rowSum"]>]> {
  let summary = "The state after the keys that led to a partial result";
  let description = [{
    Row maximum `lse / scale` in the unit of the scores that the softmax gets, row sum 1 and accumulator `output`; as
    `softmax_init` where the log-sum-exp is -inf.

    ```mlir
    %m, %l, %acc = sparse_attn.softmax_resume %po, %pl : <64x64xbf16>, <64xf32> -> <64x64xf32>
    ```
  }];
  let arguments = (ins SparseAttn_Tile:$output, SparseAttn_Tile:$lse);
  let results = (outs SparseAttn_Tile:$rowMax, SparseAttn_Tile:$rowSum, SparseAttn_Tile:$accumulator);
  let assemblyFormat = "$output `,` $lse attr-dict `:` type($output) `,` type($lse) `->` type($accumulator)";
}

def SparseAttn_ForEachKeyTileOp : TileOp<"for_each_key_tile", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "The loop over the visited key tiles, with the softmax state";
  let description = [{
    Visits the partial tiles, then the full ones. Region arguments: the rank in that order, the key tile, whether it is
    partial, and the state.

    **Constraints:**
    - (C1) region arguments are `index, index, i1` and then the types of the state.
    - (C2) yields the types of the state.

    ```mlir
    %m, %l, %acc = sparse_attn.for_each_key_tile %visit state(%m0, %l0, %a0) : !sparse_attn.tile<64xf32>, ... {
    ^bb0(%x: index, %j: index, %partial: i1, %mi: ..., %li: ..., %ai: ...):
      ...
      sparse_attn.yield %m2, %l2, %a2 : ...
    }
    ```
  }];
  let arguments = (ins SparseAttn_Visit:$visit, Variadic<SparseAttn_Tile>:$init);
  let results = (outs Variadic<SparseAttn_Tile>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $visit `state` `(` $init `)` attr-dict `:` type($init) `->` type($results) $body
  }];
  let hasRegionVerifier = 1;
}

def SparseAttn_ScoresOp : TileOp<"scores", [Pure]> {
  let summary = "scale * query * key^T";
  let arguments = (ins SparseAttn_Tile:$query, SparseAttn_Tile:$key, F64Attr:$scale);
  let results = (outs SparseAttn_Tile:$result);
  let assemblyFormat = [{
    $query `,` $key `scale` `(` custom<Scale>($scale) `)` attr-dict `:` type($query) `,` type($key) `->` type($result)
  }];
}

def SparseAttn_ScoreModOp : TileOp<"score_mod", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>, Pure, SingleBlock, AllTypesMatch<["scores", "result"]>]> {
  let summary = "A scalar function of every score";
  let description = [{
    The region is a function of (score, aligned query position, key position); targets evaluate it for whole vectors, also
    for positions past the end, of which nobody uses the result.

    **Constraints:**
    - (C1) the region's arguments are an f32 and two of type `index`, and it yields one f32.

    ```mlir
    %sb = sparse_attn.score_mod %s at(%t, %j) of(%sq, %skv) : !sparse_attn.tile<64x64xf32> {
    ^bb0(%score: f32, %qp: index, %kp: index):
      ...
      sparse_attn.yield %biased : f32
    }
    ```
  }];
  let arguments = (ins SparseAttn_Tile:$scores, Index:$queryTile, Index:$keyTile, Index:$queryLength, Index:$keyLength);
  let results = (outs SparseAttn_Tile:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $scores `at` `(` $queryTile `,` $keyTile `)` `of` `(` $queryLength `,` $keyLength `)` attr-dict `:` type($scores) $body
  }];
  let hasRegionVerifier = 1;
}

def SparseAttn_MaskOp : TileOp<"mask", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>, Pure, SingleBlock, AllTypesMatch<["scores", "result"]>]> {
  let summary = "-inf where the pattern does not hold";
  let description = [{
    When `partial` is false the scores pass unchanged. The region is a scalar predicate on (aligned query position, key
    position); targets evaluate it for whole vectors. Positions that reach it exist. Keys past the length are -inf.

    **Constraints:**
    - (C1) the region's arguments are two of type `index`, and it yields one i1.

    ```mlir
    %sm = sparse_attn.mask %s when %partial at(%t, %j) of(%sq, %skv) : !sparse_attn.tile<64x64xf32> {
    ^bb0(%qp: index, %kp: index):
      ...
      sparse_attn.yield %attends : i1
    }
    ```
  }];
  let arguments = (ins SparseAttn_Tile:$scores, I1:$partial, Index:$queryTile, Index:$keyTile, Index:$queryLength,
                       Index:$keyLength);
  let results = (outs SparseAttn_Tile:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $scores `when` $partial `at` `(` $queryTile `,` $keyTile `)` `of` `(` $queryLength `,` $keyLength `)` attr-dict `:`
    type($scores) $body
  }];
  let hasRegionVerifier = 1;
}

def SparseAttn_OnlineSoftmaxOp : TileOp<"online_softmax", [Pure, AllTypesMatch<["scores", "weights"]>,
    AllTypesMatch<["rowMax", "rowSum", "newMax", "newSum", "correction"]>]> {
  let summary = "One step of the online softmax";
  let description = [{
    newMax = max(rowMax, max over the row of scores); correction = exp(rowMax - newMax); weights = exp(scores - newMax);
    newSum = rowSum * correction + sum over the row of weights. exp(-inf - -inf) is 0 here. Milakov and Gimelshein,
    "Online normalizer calculation for softmax", 2018.
  }];
  let arguments = (ins SparseAttn_Tile:$scores, SparseAttn_Tile:$rowMax, SparseAttn_Tile:$rowSum);
  let results = (outs SparseAttn_Tile:$newMax, SparseAttn_Tile:$newSum, SparseAttn_Tile:$weights,
                      SparseAttn_Tile:$correction);
  let assemblyFormat = "$scores `,` $rowMax `,` $rowSum attr-dict `:` type($scores) `,` type($rowMax)";
}

def SparseAttn_RescaleOp : TileOp<"rescale", [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "accumulator * correction, row by row";
  let arguments = (ins SparseAttn_Tile:$accumulator, SparseAttn_Tile:$correction);
  let results = (outs SparseAttn_Tile:$result);
  let assemblyFormat = "$accumulator `,` $correction attr-dict `:` type($accumulator) `,` type($correction)";
}

def SparseAttn_AccumulateOp : TileOp<"accumulate", [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "accumulator + weights * value";
  let arguments = (ins SparseAttn_Tile:$weights, SparseAttn_Tile:$value, SparseAttn_Tile:$accumulator);
  let results = (outs SparseAttn_Tile:$result);
  let assemblyFormat = [{
    $weights `,` $value `,` $accumulator attr-dict `:` type($weights) `,` type($value) `,` type($accumulator)
  }];
}

def SparseAttn_FinalizeOp : TileOp<"finalize", [Pure, AllTypesMatch<["accumulator", "output"]>,
    AllTypesMatch<["rowMax", "rowSum", "lse"]>]> {
  let summary = "accumulator / row sum, and row maximum + log(row sum)";
  let description = [{
    A row whose sum is 0 gives output 0 and log-sum-exp -inf.
  }];
  let arguments = (ins SparseAttn_Tile:$accumulator, SparseAttn_Tile:$rowMax, SparseAttn_Tile:$rowSum);
  let results = (outs SparseAttn_Tile:$output, SparseAttn_Tile:$lse);
  let assemblyFormat = "$accumulator `,` $rowMax `,` $rowSum attr-dict `:` type($accumulator) `,` type($rowMax)";
}

def SparseAttn_RowMaximumOp : TileOp<"row_maximum", [Pure, AllTypesMatch<["rowMax", "result"]>]> {
  let summary = "The greatest score of each row";
  let description = [{
    The row maximum of the softmax in the unit of the scores; -inf for a row without keys.

    ```mlir
    %max = sparse_attn.row_maximum %m : <64xf32>
    ```
  }];
  let arguments = (ins SparseAttn_Tile:$rowMax);
  let results = (outs SparseAttn_Tile:$result);
  let assemblyFormat = "$rowMax attr-dict `:` type($rowMax)";
}

def SparseAttn_StoreOp : TileOp<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "Stores the existing rows of a tile";
  let arguments = (ins SparseAttn_Tile:$source, AnyMemRef:$target, Index:$batch, Index:$head, Index:$tile);
  let assemblyFormat = "$source `,` $target `[` $batch `,` $head `,` $tile `]` attr-dict `:` type($source) `,` type($target)";
}

def SparseAttn_ForEachBlockOp : TileOp<"for_each_block", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "The loop over the visited blocks of an item";
  let description = [{
    Those that the schedule visits, of a row of blocks, or of a column where the kernel is one of column sums, in ascending
    order. Region arguments: the
    number of the block among all of the launch, the tile on the other axis, whether it is partial, and the state.

    **Constraints:**
    - (C1) region arguments are `index, index, i1` and then the types of the state.
    - (C2) yields the types of the state.
    - (C3) `schedule` names a schedule.

    ```mlir
    %sums = sparse_attn.for_each_block of @near_64x64 state(%none) : !sparse_attn.tile<64xf32> -> !sparse_attn.tile<64xf32> {
    ^bb0(%n: index, %t: index, %partial: i1, %before: !sparse_attn.tile<64xf32>):
      ...
      sparse_attn.yield %after : !sparse_attn.tile<64xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$schedule, Variadic<SparseAttn_Tile>:$init);
  let results = (outs Variadic<SparseAttn_Tile>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `of` $schedule (`state` `(` $init^ `)` `:` type($init) `->` type($results))? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def SparseAttn_WeightsOfOp : TileOp<"weights_of", [Pure, AllTypesMatch<["scores", "weights"]>]> {
  let summary = "exp(scores - lse)";
  let description = [{
    0 in rows whose log-sum-exp is -inf.

    ```mlir
    %w = sparse_attn.weights_of %s, %l : <64x64xf32>, <64xf32>
    ```
  }];
  let arguments = (ins SparseAttn_Tile:$scores, SparseAttn_Tile:$lse);
  let results = (outs SparseAttn_Tile:$weights);
  let assemblyFormat = "$scores `,` $lse attr-dict `:` type($scores) `,` type($lse)";
}

def SparseAttn_NoSumsOp : TileOp<"no_sums", [Pure]> {
  let summary = "Sums of nothing";
  let results = (outs SparseAttn_Tile:$sums);
  let assemblyFormat = "attr-dict `:` type($sums)";
}

def SparseAttn_AddColumnsOp : TileOp<"add_columns", [Pure, AllTypesMatch<["sums", "result"]>]> {
  let summary = "sums + the weights of each key, over all queries of the tile that exist";
  let arguments = (ins SparseAttn_Tile:$weights, SparseAttn_Tile:$sums, Index:$queryTile);
  let results = (outs SparseAttn_Tile:$result);
  let assemblyFormat = "$weights `,` $sums `at` `(` $queryTile `)` attr-dict `:` type($weights) `,` type($sums)";
}

def SparseAttn_StoreBlockOp : TileOp<"store_block", [MemoryEffects<[MemWrite]>]> {
  let summary = "Stores the weights of a block, with zeros for the pairs that do not exist";
  let arguments = (ins SparseAttn_Tile:$source, AnyMemRef:$target, Index:$number, Index:$queryTile);
  let assemblyFormat = "$source `,` $target `[` $number `]` `at` `(` $queryTile `)` attr-dict `:` type($source) `,` type($target)";
}

#endif // SPARSE_ATTN_TILE
