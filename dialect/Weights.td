//===- Weights.td - What attention weighs each pair --------*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_WEIGHTS
#define SPARSE_ATTN_WEIGHTS

include "dialect/Attention.td"

/// An op over the weights of an attention, which its log-sum-exp determines.
class WeightsOpBase<string mnemonic> : SparseAttn_Op<mnemonic, [
    Pure, AttendOpInterface, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    AllElementTypesMatch<["query", "key"]>]> {
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  dag inputs = (ins SparseAttn_FloatTensor4D:$query, SparseAttn_FloatTensor4D:$key, SparseAttn_LogSumExpTensor:$lse,
                    Variadic<AnyType>:$captures, FlatSymbolRefAttr:$pattern, OptionalAttr<F64Attr>:$scale,
                    OptionalAttr<FlatSymbolRefArrayAttr>:$schedules);
  let regions = (region MaxSizedRegion<1>:$score);
  string inputFormat = [{
    $query `,` $key `,` $lse `pattern` `(` custom<PatternUse>($pattern, $captures, type($captures)) `)`
    (`scale` `(` custom<Scale>($scale)^ `)`)? (`schedule` `(` custom<Symbols>($schedules)^ `)`)?
    (`score` custom<ScoreRegion>($score)^)? }];
  string inputTypes = "`:` `(` type($query) `,` type($key) `,` type($lse) `)` `->` ";
  let extraClassDeclaration = [{
    ::llvm::SmallVector<Value> getScoreCaptures();
    double getScaleOrDefault();
    /// Weights are asked for by neighbouring positions.
    uint64_t getModulo() { return 1; }
  }];
}

def SparseAttn_WeightsOp : WeightsOpBase<"weights"> {
  let summary = "The attention weights of the visited blocks";
  let description = [{
    `exp(score - lse)` for each pair that attends, where the score is that of `sparse_attn.attention` with the same
    pattern, scale and score region, and `lse` its log-sum-exp, or that of a merge: then weights of all parts together sum
    up to 1. Only blocks in which a pair may attend are there, with zeros for the pairs in them that do not attend or do
    not exist; memory is that of the blocks, never queries x keys.

    Results, of n blocks in the order of batch, head, row of blocks and column of blocks:
    - `offsets` [batch * heads + 1]: the blocks of head `h` of batch `b` are those from `offsets[b * heads + h]` on, up to
      the next offset;
    - `indices` [n, 2]: row and column of each block, in blocks;
    - `values` [n, queries of a block, keys of a block], in f32; the static sizes say how large a block is.

    n is known once a plan is made: `sparse_attn_result_sizes` and `sparse_attn_result_bytes` tell. Kernels are for the CPU.

    Written by users; `-sparse-attn-specialize-blocks` adds the schedule; consumed by `-sparse-attn-fuse-softmax`.

    **Constraints:**
    - (C1) query, key, scale and pattern as those of `attention`; the log-sum-exp as its second result.
    - (C2) the score region as that of `attention`.
    - (C3) offsets are a `tensor<?xi64>`, indices a `tensor<?x2xi32>`, and values a `tensor<?xQxKxf32>` with static Q and
      K.

    ```mlir
    %o, %lse = sparse_attn.attention %q, %k, %v pattern(@near) : (!t, !t, !t) -> (!t, !lse)
    %offsets, %indices, %values = sparse_attn.weights %q, %k, %lse pattern(@near)
        : (!t, !t, !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
    ```
  }];
  let arguments = inputs;
  let results = (outs 1DTensorOf<[I64]>:$offsets, 2DTensorOf<[I32]>:$indices, 3DTensorOf<[F32]>:$values);
  let assemblyFormat = inputFormat # "attr-dict" # inputTypes # "`(` type($offsets) `,` type($indices) `,` type($values) `)`";
}

def SparseAttn_ColumnSumsOp : WeightsOpBase<"column_sums"> {
  let summary = "How much attention each key gets";
  let description = [{
    The weights of `sparse_attn.weights`, summed over the queries: `sums[b, h, k]` is how much query head `h` attends to
    key `k`, all queries together. What is kept of a cache of keys and values is chosen by such sums (Zhang et al., "H2O:
    Heavy-Hitter Oracle", 2023). No weight is stored.

    Written by users; `-sparse-attn-specialize-blocks` adds the schedule; consumed by `-sparse-attn-fuse-softmax`. Kernels
    are for the CPU.

    **Constraints:**
    - (C1) query, key, scale and pattern as those of `attention`; the log-sum-exp as its second result.
    - (C2) the score region as that of `attention`.
    - (C3) sums are [batch, query heads, key length], in f32.

    ```mlir
    %sums = sparse_attn.column_sums %q, %k, %lse pattern(@near) : (!t, !t, !lse) -> tensor<?x8x?xf32>
    ```
  }];
  let arguments = inputs;
  let results = (outs 3DTensorOf<[F32]>:$sums);
  let assemblyFormat = inputFormat # "attr-dict" # inputTypes # "type($sums)";
}

#endif // SPARSE_ATTN_WEIGHTS
