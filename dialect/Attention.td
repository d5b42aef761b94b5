//===- Attention.td - The op that users call ---------------*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_ATTENTION
#define SPARSE_ATTN_ATTENTION

include "dialect/Dialect.td"
include "dialect/Interfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def SparseAttn_FloatTensor4D : 4DTensorOf<[F32, F16, BF16]>;
def SparseAttn_LogSumExpTensor : 3DTensorOf<[F32]>;

/// One number a sequence, or one more: where sequences begin, and the last ends.
def SparseAttn_SequenceTable : Type<
    CPred<"$_self == ::mlir::MemRefType::get({::mlir::ShapedType::kDynamic}, ::mlir::IntegerType::get($_self.getContext(), 32))">,
    "memref<?xi32>", "::mlir::MemRefType">,
    BuildableType<"::mlir::MemRefType::get({::mlir::ShapedType::kDynamic}, $_builder.getI32Type())">;

def SparseAttn_AttentionOp : SparseAttn_Op<"attention", [
    Pure, AttrSizedOperandSegments, AttendOpInterface, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames", "getAsmResultNames"]>,
    AllTypesMatch<["query", "output"]>,
    AllElementTypesMatch<["query", "key", "value"]>]> {
  let summary = "Scaled dot-product attention over a sparse pattern";
  let description = [{
    Computes `softmax(scale * query * key^T + bias(pattern)) * value` per batch and head, where `bias` is 0 where the
    pattern holds and -inf elsewhere. Arrays are [batch, heads, length, head size]; all sizes but the head size may be
    dynamic. Query head `h` reads key head `h / (Hq / Hkv)`. A query that attends to nothing yields zeros, and -inf as
    its log-sum-exp; a score of -inf means not attending. `scale` is 1 / sqrt(head size) where not given. The second
    result, if asked for, is the natural log-sum-exp of every row, [batch, heads, length], and the third the greatest score
    of every row, -inf where it attends to nothing.

    With a `score` region, scores are what the region makes of `scale * query * key^T`: any scalar function of the score
    (f32), batch, head, and the positions of query and key (`index`, as in `sparse_attn.predicate`). It says what pairs
    that attend weigh; a pair that does not attend stays out whatever the region says. The region reads arrays of the
    function's arguments by `sparse_attn.read`, which clamps indices to the array here (an empty one gives 0); the arrays are captured when a
    plan is made.

    Sequences of different lengths share arrays in one of two ways. Padded, batch `b` is sequence `b`, and `q_lengths` and
    `k_lengths` say how many of its rows exist. Packed, all sequences stand in one batch, sequence `n` from row
    `offsets[n]` to `offsets[n + 1]`, or for the rows that the lengths say. The two mix: offsets count rows of the batch of
    a sequence, or of the one that there is. Positions count within a sequence, and align at the end of each one; `b`
    counts sequences, and so do captured arrays that have a row a batch. Nothing outside the sequences is read, computed
    or written.

    With `from`, the op goes on from a partial result over the same queries, an output and its log-sum-exp, as if the
    keys that led to it were among its own: keys that both see count twice.

    Written by users; `-sparse-attn-fuse-merge` adds `from`; `-sparse-attn-reindex-dilation` adds `modulo`, where all pairs that attend lie a multiple of it apart,
    so that kernels can work within residue classes; `-sparse-attn-specialize-blocks` adds the schedule; consumed by `-sparse-attn-fuse-softmax`.

    **Constraints:**
    - (C1) `output` has the type of `query`.
    - (C2) `query`, `key` and `value` have one element type: f32, f16 or bf16.
    - (C3) `key` and `value` have one shape.
    - (C4) `query` and `key` agree in batch and head size.
    - (C5) the number of query heads is a multiple of the number of key heads, and both are static or both dynamic.
    - (C6) the head size is static, a multiple of 16, from 16 to 256.
    - (C7) `scale` is finite and positive, as an f32 too.
    - (C8) the log-sum-exp has batch, heads and length of `query`.
    - (C9) `pattern` names a `sparse_attn.pattern`, and the captures agree with it in number and type.
    - (C10) `schedule`, where present, names schedules of this pattern, for tiles of different sizes. With more than one,
      a kernel is made for each, and `prepare` takes the one that costs least.
    - (C11) `modulo` is positive; schedules have it, or 1.
    - (C12) the score region takes a score of type f32 and four positions of type `index`, and yields one f32.
    - (C13) the score region holds what a `sparse_attn.predicate` may hold.
    - (C14) the score region uses, from outside, scalar constants (those of type `index` of 32 bits) and captures: `index`,
      and arrays of f32 or i32 with one to four dimensions, all dynamic.
    - (C15) `from` is a partial result of the type of `output`, and a log-sum-exp of its batch, heads and length.
    - (C16) at most a log-sum-exp and a row maximum, of one type; no row maximum with `from`, which knows no scores.
    - (C17) with `q_lengths`, `k_lengths`, `q_offsets` or `k_offsets`, there are as many sequences in all of them.
      `prepare` checks: offsets ascend and end in the array; lengths fit between them, or in the array; there is one
      sequence a batch, or one batch, with `q_offsets` if there are several sequences.

    ```mlir
    %o = sparse_attn.attention %q, %k, %v pattern(@packed(%ids) : (memref<?xi32>)) scale(0.125)
        : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x8x?x64xf32>
    // Packed prompts: %offsets has the first token of each, and the number of all tokens.
    %p = sparse_attn.attention %q, %k, %v pattern(@causal) q_offsets(%offsets) k_offsets(%offsets)
        : (tensor<1x8x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>) -> tensor<1x8x?x64xf32>
    // ALiBi: nearer keys weigh more, by a slope a head.
    %a = sparse_attn.attention %q, %k, %v pattern(@causal) score (%s, %b, %h, %i, %j) {
      %slope    = sparse_attn.read %slopes[%h] : memref<?xf32>
      %distance = arith.subi %j, %i : index
      %integer  = arith.index_cast %distance : index to i32
      %number   = arith.sitofp %integer : i32 to f32
      %bias     = arith.mulf %slope, %number : f32
      %biased   = arith.addf %s, %bias : f32
      sparse_attn.yield %biased : f32
    } : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x8x?x64xf32>
    ```
  }];
  let arguments = (ins SparseAttn_FloatTensor4D:$query, SparseAttn_FloatTensor4D:$key, SparseAttn_FloatTensor4D:$value,
                       Variadic<AnyType>:$captures, Optional<SparseAttn_FloatTensor4D>:$partialOutput,
                       Optional<SparseAttn_LogSumExpTensor>:$partialLse, Optional<SparseAttn_SequenceTable>:$qLengths,
                       Optional<SparseAttn_SequenceTable>:$kLengths, Optional<SparseAttn_SequenceTable>:$qOffsets,
                       Optional<SparseAttn_SequenceTable>:$kOffsets, FlatSymbolRefAttr:$pattern,
                       OptionalAttr<F64Attr>:$scale,
                       DefaultValuedOptionalAttr<I64Attr, "1">:$modulo, OptionalAttr<FlatSymbolRefArrayAttr>:$schedules);
  let regions = (region MaxSizedRegion<1>:$score);
  let results = (outs SparseAttn_FloatTensor4D:$output, Variadic<SparseAttn_LogSumExpTensor>:$sums);
  let assemblyFormat = [{
    $query `,` $key `,` $value `pattern` `(` custom<PatternUse>($pattern, $captures, type($captures)) `)`
    (`q_lengths` `(` $qLengths^ `)`)? (`k_lengths` `(` $kLengths^ `)`)?
    (`q_offsets` `(` $qOffsets^ `)`)? (`k_offsets` `(` $kOffsets^ `)`)?
    (`from` `(` $partialOutput^ `,` $partialLse `:` type($partialOutput) `,` type($partialLse) `)`)?
    (`scale` `(` custom<Scale>($scale)^ `)`)? (`modulo` `(` custom<Number>($modulo)^ `)`)? (`schedule` `(` custom<Symbols>($schedules)^ `)`)?
    (`score` custom<ScoreRegion>($score)^)? attr-dict `:` `(` type($query) `,` type($key) `,` type($value) `)` `->` custom<AttentionResults>(type($output), type($sums))
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The log-sum-exp and the row maximum; null where there is none.
    Value getLse() { return getSums().empty() ? Value() : Value(getSums().front()); }
    Value getRowMax() { return getSums().size() < 2 ? Value() : Value(getSums()[1]); }
    /// What the score region captures, in the order of its first uses: each once.
    ::llvm::SmallVector<Value> getScoreCaptures();
    /// Creates the same attention with a log-sum-exp, going on from a partial result; from none where that is null.
    AttentionOp cloneResuming(OpBuilder &builder, Value partialOutput, Value partialLse);
    /// Do lengths or offsets say where sequences are?
    bool hasSequences() { return getQLengths() || getKLengths() || getQOffsets() || getKOffsets(); }
    /// The factor on the scores: `scale`, or 1 / sqrt(head size).
    double getScaleOrDefault();
    int64_t getHeadSize() { return ::llvm::cast<RankedTensorType>(getQuery().getType()).getDimSize(3); }
    Type getElementType() { return ::llvm::cast<RankedTensorType>(getQuery().getType()).getElementType(); }
  }];
}

def SparseAttn_MergeOp : SparseAttn_Op<"merge", [
    Pure, SameVariadicOperandSize]> {
  let summary = "One result of attention over several sets of keys";
  let description = [{
    Joins results of the same queries over different keys, such as parts of the keys, the steps of a ring, or the branches
    of a dilated attention: with log-sum-exps `l_i`, `lse = log(sum of exp(l_i))` and `output = sum of exp(l_i - lse) *
    output_i`. A key that several results saw counts several times; so the merge of two patterns is their union only where
    they share no pair. A row that no result has seen any key for yields zeros and -inf.

    Written by users; consumed by `-sparse-attn-fuse-merge`, which lets each attention go on from the result of the one
    before, so that no result is kept but the last.

    **Constraints:**
    - (C1) at least one partial result: as many log-sum-exps as outputs.
    - (C2) all outputs are of one type, and all log-sum-exps, of its batch, heads and length.

    ```mlir
    %o, %lse = sparse_attn.merge (%near, %near_lse), (%far, %far_lse) : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>
    ```
  }];
  let arguments = (ins Variadic<SparseAttn_FloatTensor4D>:$outputs, Variadic<SparseAttn_LogSumExpTensor>:$logSumExps);
  let results = (outs SparseAttn_FloatTensor4D:$output, SparseAttn_LogSumExpTensor:$lse);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def SparseAttn_LaunchOp : SparseAttn_Op<"launch", [
    Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Attention by a fused kernel";
  let description = [{
    What is left of an attention op once its kernel exists: the artifact's manifest is made from it. Of several kernels,
    which differ in their tiles alone, `prepare` takes the one whose visited tiles cost least.

    Made by `-sparse-attn-fuse-softmax`; stays until code generation.

    **Constraints:**
    - (C1) each of `kernels`, at least one, names a `sparse_attn.kernel`, which goes on from a partial result if the
      launch does, and is one for sequences if the launch says where they are.

    ```mlir
    %o = sparse_attn.launch @attention_0(%q, %k, %v) captures(%ids)
        : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, memref<?xi32>) -> tensor<?x8x?x64xf32>
    %p = sparse_attn.launch @retrieved_0, @retrieved_0_128x128(%q, %k, %v) captures(%mask)
        : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, !sparse_attn.block_mask)
        -> tensor<?x8x?x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefArrayAttr:$kernels, SparseAttn_FloatTensor4D:$query, SparseAttn_FloatTensor4D:$key,
                       SparseAttn_FloatTensor4D:$value, Variadic<AnyType>:$captures,
                       Optional<SparseAttn_FloatTensor4D>:$partialOutput, Optional<SparseAttn_LogSumExpTensor>:$partialLse,
                       Optional<SparseAttn_SequenceTable>:$qLengths, Optional<SparseAttn_SequenceTable>:$kLengths,
                       Optional<SparseAttn_SequenceTable>:$qOffsets, Optional<SparseAttn_SequenceTable>:$kOffsets);
  let results = (outs SparseAttn_FloatTensor4D:$output, Variadic<SparseAttn_LogSumExpTensor>:$sums);
  let assemblyFormat = [{
    custom<Symbols>($kernels) `(` $query `,` $key `,` $value `)` (`captures` `(` $captures^ `)`)?
    (`q_lengths` `(` $qLengths^ `)`)? (`k_lengths` `(` $kLengths^ `)`)?
    (`q_offsets` `(` $qOffsets^ `)`)? (`k_offsets` `(` $kOffsets^ `)`)?
    (`from` `(` $partialOutput^ `,` $partialLse `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// The log-sum-exp and the row maximum; null where there is none.
    Value getLse() { return getSums().empty() ? Value() : Value(getSums().front()); }
    Value getRowMax() { return getSums().size() < 2 ? Value() : Value(getSums()[1]); }
  }];
}

def SparseAttn_LaunchBlocksOp : SparseAttn_Op<"launch_blocks", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Weights by a kernel over the visited blocks";
  let description = [{
    What is left of `sparse_attn.weights` or `sparse_attn.column_sums` once its kernel exists.

    Made by `-sparse-attn-fuse-softmax`; stays until code generation.

    **Constraints:**
    - (C1) one result or three; `kernel` names a `sparse_attn.kernel` of column sums or of weights, respectively.

    ```mlir
    %sums = sparse_attn.launch_blocks @attention_1(%q, %k, %lse) : (!t, !t, !lse) -> tensor<?x8x?xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, SparseAttn_FloatTensor4D:$query, SparseAttn_FloatTensor4D:$key,
                       SparseAttn_LogSumExpTensor:$lse, Variadic<AnyType>:$captures);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $kernel `(` $query `,` $key `,` $lse `)` (`captures` `(` $captures^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // SPARSE_ATTN_ATTENTION
