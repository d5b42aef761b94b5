//===- Patterns.td - The language of attention patterns ----*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PATTERNS
#define SPARSE_ATTN_PATTERNS

include "dialect/Dialect.td"
include "dialect/Interfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// The pattern symbol
//===----------------------------------------------------------------------===//

def SparseAttn_PatternOp : SparseAttn_Op<"pattern", [
    Symbol, IsolatedFromAbove, SingleBlock, HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A named attention pattern";
  let description = [{
    Declares which query-key pairs attend. The body combines pattern ops and yields one pattern. Block arguments are
    *captures*: arrays and numbers that the user of the pattern passes when a plan is made. A captured number
    below the least that its op allows is refused then, and one above 2^30 - 1 counts as 2^30 - 1.

    Written by users; stays to the end, because schedules, kernels and tools refer to it. With `part_of` it is one of
    the patterns that another one has been taken apart into, by `-sparse-attn-reindex-dilation`: no pair attends in two of
    them, and those that attend in one are those that attend in the other pattern.

    **Constraints:**
    - (C1) captures are of type `index`, `memref<?xi32>`, `memref<?x?xi32>`, `memref<?x?x?xi32>` or
      `!sparse_attn.block_mask`.
    - (C2) the body ends in a `sparse_attn.yield` of one pattern.
    - (C3) the body holds pattern ops and scalar constants only.
    - (C4) all that read a captured array read it in one form: its elements, or a table made of it with the plan.
    - (C5) `part_of` names a pattern with the same captures.

    ```mlir
    // Longformer: a local window, and a few tokens that see and are seen by everyone.
    sparse_attn.pattern @longformer {
      %local  = sparse_attn.window left(256) right(256)
      %global = sparse_attn.global first(64)
      %both   = sparse_attn.union %local, %global
      sparse_attn.yield %both
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<FlatSymbolRefAttr>:$partOf);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The op that computes the yielded pattern.
    PatternOpInterface getRoot();
    Block::BlockArgListType getCaptures() { return getBody().front().getArguments(); }
  }];
}

def SparseAttn_YieldOp : SparseAttn_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "Ends a pattern, a predicate, or a loop over key tiles";
  let description = [{
    `sparse_attn.yield %p` yields a pattern; other types are written out: `sparse_attn.yield %e : i1`.
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let hasCustomAssemblyFormat = 1;
  let builders = [OpBuilder<(ins), [{ /* no operands */ }]>];
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

class PatternLeaf<string mnemonic, list<string> implemented = ["buildKeyBands"], list<Trait> traits = []>
    : SparseAttn_Op<mnemonic, !listconcat([Pure, HasParent<"PatternOp">,
        DeclareOpInterfaceMethods<PatternOpInterface, implemented>], traits)> {
  let results = (outs SparseAttn_Pattern:$result);
}

/// A parameter is a constant or a captured `index`: exactly one of the two is present.
defvar parameterText = [{
    Parameters are constants or captured values of type `index`.
}];

def SparseAttn_DenseOp : PatternLeaf<"dense", ["buildKeyBands"]> {
  let summary = "Every query attends to every key";
  let description = [{
    Holds always.

    ```mlir
    %all = sparse_attn.dense
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def SparseAttn_CausalOp : PatternLeaf<"causal"> {
  let summary = "A query attends to itself and to everything before it";
  let description = [{
    Holds when `k <= q`.

    ```mlir
    %past = sparse_attn.causal
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def SparseAttn_WindowOp : PatternLeaf<"window", ["buildKeyBands", "getParameters"], [AttrSizedOperandSegments]> {
  let summary = "Keys within a distance of the query";
  let description = [{
    Holds when `q - left <= k <= q + right`. One of the two may be negative: `left(-1) right(8)` looks ahead only.
    Without `left` (`right`) the window reaches to the first (last) key.

    **Constraints:**
    - (C1) constants lie in (-2^30, 2^30).
    - (C2) left + right >= 0, of constants. A captured window whose sum is negative holds nowhere.

    ```mlir
    %local = sparse_attn.window left(256) right(256)
    %past  = sparse_attn.window right(0)
    ```
  }];
  let arguments = (ins Optional<Index>:$left, Optional<Index>:$right, OptionalAttr<I64Attr>:$staticLeft,
                       OptionalAttr<I64Attr>:$staticRight);
  let assemblyFormat = [{
    (`left` `(` custom<Parameter>($left, $staticLeft)^ `)`)? (`right` `(` custom<Parameter>($right, $staticRight)^ `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

class CountedLeaf<string mnemonic, string parameterName, int least, list<string> implemented = ["buildKeyBands"]>
    : PatternLeaf<mnemonic, !listconcat(implemented, ["getParameters"])> {
  let arguments = (ins Optional<Index>:$count, OptionalAttr<I64Attr>:$staticCount);
  let assemblyFormat = "`" # parameterName # "` `(` custom<Parameter>($count, $staticCount) `)` attr-dict";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::SmallVector<::mlir::sparse_attn::Parameter> $cppClass::getParameters() {
      return {{"}] # parameterName # [{", getCount(), getStaticCountAttr(), }] # least # [{}};
    }
    ::mlir::LogicalResult $cppClass::verify() { return ::mlir::sparse_attn::verifyParameters(*this); }
  }];
}

def SparseAttn_KeysOp : CountedLeaf<"keys", "first", 0> {
  let summary = "The first keys, seen by every query (attention sinks)";
  let description = [{
    Holds when `k < first`.

    **Constraints:**
    - (C1) a constant count lies in [0, 2^30).

    ```mlir
    %sinks = sparse_attn.keys first(4)
    ```
  }];
}

def SparseAttn_QueriesOp : CountedLeaf<"queries", "first", 0> {
  let summary = "The first queries, which see every key (global rows)";
  let description = [{
    Holds when `q < first`. Positions are aligned, so a token that is being decoded is not global.

    **Constraints:**
    - (C1) a constant count lies in [0, 2^30).

    ```mlir
    %rows = sparse_attn.queries first(64)
    ```
  }];
}

def SparseAttn_GlobalOp : CountedLeaf<"global", "first", 0> {
  let summary = "The first tokens see all and are seen by all";
  let description = [{
    Holds when `k < first` or `q < first`.

    **Constraints:**
    - (C1) a constant count lies in [0, 2^30).

    ```mlir
    %tokens = sparse_attn.global first(64)
    ```
  }];
}

def SparseAttn_ChunkOp : CountedLeaf<"chunk", "size", 1> {
  let summary = "Queries and keys of the same chunk";
  let description = [{
    Holds when `q div size = k div size`; the quotients round down.

    **Constraints:**
    - (C1) a constant size lies in [1, 2^30).

    ```mlir
    %local = sparse_attn.chunk size(1024)
    ```
  }];
}

def SparseAttn_StrideOp : CountedLeaf<"stride", "step", 1, ["buildKeyBands", "buildPredicate", "buildCoverage"]> {
  let summary = "Every step-th key, counted from the query";
  let description = [{
    Holds when `(q - k) mod step = 0`.

    **Constraints:**
    - (C1) a constant step lies in [1, 2^30).

    ```mlir
    %dilated = sparse_attn.stride step(8)
    ```
  }];
  let hasCanonicalizer = 1;
}

def SparseAttn_ExponentialOp : PatternLeaf<"exponential", ["buildPredicate", "buildCoverage", "getParameters"]> {
  let summary = "Keys at distances that are powers of a base";
  let description = [{
    Holds when `|q - k|` is 0, 1, base, base^2, ...: about log(length) keys a query, as in the LogSparse Transformer
    (arXiv:1907.00235).

    **Constraints:**
    - (C1) the base lies in [2, 2^30).

    ```mlir
    %far = sparse_attn.exponential base(2)
    ```
  }];
  let arguments = (ins I64Attr:$base);
  let assemblyFormat = "`base` `(` custom<Number>($base) `)` attr-dict";
  let hasVerifier = 1;
}

def SparseAttn_ColumnsOp : PatternLeaf<"columns", ["buildKeyBands", "getParameters"]> {
  let summary = "The last keys of every so many, seen by every query";
  let description = [{
    Holds when `k mod every >= every - last`: the summary positions of the fixed pattern of the Sparse Transformer
    (arXiv:1904.10509).

    **Constraints:**
    - (C1) both numbers lie in [1, 2^30).
    - (C2) last <= every.

    ```mlir
    %summaries = sparse_attn.columns every(128) last(8)
    ```
  }];
  let arguments = (ins I64Attr:$every, I64Attr:$last);
  let assemblyFormat = "`every` `(` custom<Number>($every) `)` `last` `(` custom<Number>($last) `)` attr-dict";
  let hasVerifier = 1;
}

def SparseAttn_SegmentOp : PatternLeaf<"segment", ["buildPredicate", "buildKeyBands", "getDependence", "getParameters"]> {
  let summary = "Every rate-th position of a segment, among themselves";
  let description = [{
    Holds when `q div length = k div length` and `q mod rate = k mod rate = phase`: a branch of the dilated attention of
    LongNet (arXiv:2307.02486). The phase is 0 or, with `shift`, head mod rate. Other queries attend to nothing.

    **Constraints:**
    - (C1) both numbers lie in [1, 2^30).
    - (C2) the rate divides the length.

    ```mlir
    %branch = sparse_attn.segment length(2048) rate(4) shift
    ```
  }];
  let arguments = (ins I64Attr:$length, I64Attr:$rate, UnitAttr:$shift);
  let assemblyFormat = [{
    `length` `(` custom<Number>($length) `)` `rate` `(` custom<Number>($rate) `)` (`shift` $shift^)? attr-dict
  }];
  let hasVerifier = 1;
}

def SparseAttn_NeighborhoodOp : PatternLeaf<"neighborhood", ["buildPredicate", "buildKeyBands", "buildCoverage"]> {
  let summary = "Tokens of a grid near the query, on each of its 1 to 3 axes";
  let description = [{
    Positions are the tokens of a grid of `shape`, and a pair attends if its coordinates do on every axis (generalized
    neighborhood attention, arXiv:2504.16922; sliding tile attention, arXiv:2502.04507). On an axis of length L with
    `window` w, `step` d (dilation), `stride` t, coordinate x is member `i = x div d` of the residue class `x mod d`,
    which has `M = ceil((L - x mod d) / d)` members. A query sees members of its own class:

    - `[s, s + w)`, `s = clamp(leader - w div 2, 0, M - w)`, `leader = min((i div t) * t + t div 2, M - 1)`: t
      neighbours share the window around one of them, pushed inside at the ends. An even window looks further back;
    - on a causal axis `[s, i]`, `s = max(leader - w + 1, 0)`, `leader = min((i div t) * t + t - 1, M - 1)`.

    `causal` without a list names all axes. Without `step` or `stride` they are 1 on every axis.

    Without `tile`, tokens are stored in row-major order. With it they are stored tile by tile, tiles in row-major order
    and so the tokens of each, so that neighbours in memory are a compact box; `sparse_attn_order_tokens` gives the order.
    Positions outside the grid attend to nothing, and nothing attends to them.

    **Constraints:**
    - (C1) the shape has 1 to 3 numbers, and every other list has as many.
    - (C2) numbers are at least 1, and the grid has less than 2^30 tokens.
    - (C3) window * step <= length on every axis, so that each class has a whole window.
    - (C4) stride <= window on every axis.
    - (C5) the tile divides the shape.

    ```mlir
    %image = sparse_attn.neighborhood shape(64, 64) window(13, 13) step(1, 4)
    %video = sparse_attn.neighborhood shape(16, 32, 32) window(4, 12, 12) stride(1, 4, 4) tile(4, 4, 4)
                 causal(true, false, false)
    ```
  }];
  let arguments = (ins DenseI64ArrayAttr:$shape, DenseI64ArrayAttr:$window, OptionalAttr<DenseI64ArrayAttr>:$step,
                       OptionalAttr<DenseI64ArrayAttr>:$stride, OptionalAttr<DenseI64ArrayAttr>:$tile,
                       OptionalAttr<DenseBoolArrayAttr>:$causal);
  let assemblyFormat = [{
    `shape` `(` custom<Numbers>($shape) `)` `window` `(` custom<Numbers>($window) `)`
    (`step` `(` custom<Numbers>($step)^ `)`)? (`stride` `(` custom<Numbers>($stride)^ `)`)?
    (`tile` `(` custom<Numbers>($tile)^ `)`)? `` custom<CausalAxes>($causal, ref($shape)) attr-dict
  }];
  let hasVerifier = 1;
}

/// A captured array of one number a batch.
def SparseAttn_BatchTable : MemRefRankOf<[I32], [1]>,
    BuildableType<"::mlir::MemRefType::get({::mlir::ShapedType::kDynamic}, $_builder.getI32Type())">;

def SparseAttn_PrefixLMOp : PatternLeaf<"prefix_lm", ["buildKeyBands", "getArrayDemands", "getDependence"]> {
  let summary = "A query attends to a prefix, and to itself and everything before it";
  let description = [{
    Holds when `k < length[batch]` or `k <= q`: every token sees the prefix, which sees itself in both directions. The
    captured array has one number a batch; arrays of another length are refused when a plan is made.

    **Constraints:**
    - (C1) the lengths are a captured `memref<?xi32>`.

    ```mlir
    %seen = sparse_attn.prefix_lm %prefixes
    ```
  }];
  let arguments = (ins SparseAttn_BatchTable:$lengths);
  let assemblyFormat = "$lengths attr-dict";
}

/// A captured array of one number a position, or of one row of them a batch.
def SparseAttn_PositionTable : MemRefRankOf<[I32], [1, 2]>;

def SparseAttn_DocumentsOp : PatternLeaf<"documents", [
    "buildPredicate", "buildKeyBands", "buildCoverage", "getArrayDemands", "getDependence"]> {
  let summary = "Positions of one document";
  let description = [{
    Holds when the query and the key are of the same document, as packed sequences have them. The captured array says
    which:

    - `offsets` holds where documents begin and, last, where all end (`cu_seqlens`): those of the positions
      `[offsets[i], offsets[i + 1])` are of document i. It ascends, empty documents allowed; an array that does not, or
      that holds a negative number, is refused when a plan is made. Schedules are in closed form.
    - `ids` holds a number for each position, equal within a document. Schedules are listed.

    Positions outside all documents attend to nothing. An array of rank 2 has one row a batch.

    **Constraints:**
    - (C1) the array is a captured `memref<?xi32>` or `memref<?x?xi32>`.

    ```mlir
    %packed = sparse_attn.documents offsets(%begins)
    %same   = sparse_attn.documents ids(%of_batch) : memref<?x?xi32>
    ```
  }];
  let arguments = (ins SparseAttn_PositionTable:$array, UnitAttr:$byIds);
  let assemblyFormat = [{
    (`ids` $byIds^) : (`offsets`)? `(` $array `)` attr-dict `` custom<TableType>(type($array))
  }];
}

def SparseAttn_TreeOp : PatternLeaf<"tree", ["buildPredicate", "buildKeyBands", "getArrayDemands", "getDependence"]> {
  let summary = "A node of a tree attends to its ancestors and to the prefix";
  let description = [{
    The last T positions are the nodes of a tree, T the length of the captured array, which holds for each node the number
    of its parent, or -1: the drafts of speculative decoding (SpecInfer, arXiv:2305.09781; Medusa, arXiv:2401.10774).
    Holds when `k <= q` and `k` is no node, or is the node `q` or an ancestor of it. So a node sees the whole prefix, and
    a query before the tree everything before itself.

    A parent stands before its children; an array where one does not, or of more nodes than there are keys, is refused
    when a plan is made. Of the parents, the plan makes a table of two numbers a node, between which those of its
    descendants lie, so that kernels need not walk. An array of rank 2 has one tree a batch.

    **Constraints:**
    - (C1) the parents are a captured `memref<?xi32>` or `memref<?x?xi32>`.

    ```mlir
    %drafts = sparse_attn.tree parents(%parents)
    ```
  }];
  let arguments = (ins SparseAttn_PositionTable:$parents);
  let assemblyFormat = "`parents` `(` $parents `)` attr-dict `` custom<TableType>(type($parents))";
}

/// A captured array of numbers for all heads, or of one row of them a head.
def SparseAttn_HeadTable : MemRefRankOf<[I32], [1, 3]>;

def SparseAttn_VerticalSlashOp : PatternLeaf<"vertical_slash", [
    "buildPredicate", "buildCoverage", "getArrayDemands", "getDependence"], [AllTypesMatch<["columns", "diagonals"]>]> {
  let summary = "Some keys, and some distances";
  let description = [{
    Holds when `k <= q`, and `k` is among the captured columns or `q - k` among the captured diagonals: the vertical and
    slash lines of MInference (arXiv:2407.02490), as they were estimated for a head. Both arrays ascend; an array that
    does not is refused when a plan is made. Equal neighbours are fine, and so are numbers that are no position: they
    match nothing. Arrays of rank 3 have a row for each head of each batch, and may pad it by repeating its last number.

    Of each array the plan makes a table of bits, with counts between them. Whether a pair attends takes a look at one word
    for its column and at one for its diagonal; how many columns or diagonals cross a rectangle, at two of each.

    **Constraints:**
    - (C1) both are captured arrays of one type, `memref<?xi32>` or `memref<?x?x?xi32>`.

    ```mlir
    %lines  = sparse_attn.vertical_slash columns(%columns) diagonals(%diagonals)
    %of_head = sparse_attn.vertical_slash columns(%c) diagonals(%d) : memref<?x?x?xi32>
    ```
  }];
  let arguments = (ins SparseAttn_HeadTable:$columns, SparseAttn_HeadTable:$diagonals);
  let assemblyFormat = [{
    `columns` `(` $columns `)` `diagonals` `(` $diagonals `)` attr-dict `` custom<TableType>(type($columns))
  }];
}

def SparseAttn_RandomOp : PatternLeaf<"random", ["buildPredicate", "buildCoverage", "getBlockSizes", "getDependence", "getParameters"]> {
  let summary = "Random key blocks, drawn anew for each block of queries";
  let description = [{
    Key block `kb = k div size` attends to query-block row `rb = q div size` when
    `inverse_permutation{seed, batch, head, rb}(kb) < blocks`. The permutation of [0, n), n = ceil(key length / size), is
    a Feistel network of four rounds with cycle walking: stateless, without repetition, equal on every target.

    With w the least number such that 4^w >= n, a value x < 4^w is split into halves `l = x >> w`, `r = x & (2^w - 1)`.
    The permutation does, for i = 0, 1, 2, 3: `(l, r) := (r, l xor (mix(r + key_i) & (2^w - 1)))`, and repeats while
    the result is >= n; the inverse undoes the rounds in reverse order, and walks likewise. All arithmetic is on 32-bit
    words and wraps. `mix(x)` is the finalizer of MurmurHash3: `x ^= x >> 16; x *= 0x85ebca6b; x ^= x >> 13;
    x *= 0xc2b2ae35; x ^= x >> 16`. The round keys are
    `key_i = mix(mix(mix(mix(seed + i * 0x9e3779b9) + batch) + head) + rb)`, with rb as a 32-bit two's complement.

    **Constraints:**
    - (C1) a constant number of blocks lies in [0, 2^30), a size in [1, 2^30).
    - (C2) the seed fits 32 bits.

    ```mlir
    %random = sparse_attn.random blocks(3) size(64) seed(7)
    ```
  }];
  let arguments = (ins Optional<Index>:$count, OptionalAttr<I64Attr>:$staticCount, I64Attr:$size, I64Attr:$seed);
  let assemblyFormat = [{
    `blocks` `(` custom<Parameter>($count, $staticCount) `)` `size` `(` custom<Number>($size) `)`
    `seed` `(` custom<Number>($seed) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def SparseAttn_BlocksOp : PatternLeaf<"blocks", ["buildPredicate", "buildCoverage", "getBlockSizes"]> {
  let summary = "Blocks chosen at run time";
  let description = [{
    Holds when the captured mask holds the block of the pair: row (query row div the height of a block), counted from
    the first query, and column (k div its width). Without a type the mask has blocks of 64x64.

    ```mlir
    %retrieved = sparse_attn.blocks %mask
    %fine      = sparse_attn.blocks %pages : !sparse_attn.block_mask<16x16>
    ```
  }];
  let arguments = (ins SparseAttn_BlockMask:$mask);
  let assemblyFormat = "$mask attr-dict `` custom<MaskType>(type($mask))";
}

def SparseAttn_BlockActiveOp : SparseAttn_Op<"block_active", [Pure]> {
  let summary = "Does a mask hold the block of a pair?";
  let description = [{
    `row` counts from the first query, `key` from the first key. Made by `blocks`; lowered by each target.

    ```mlir
    %active = sparse_attn.block_active %mask[%row, %key] : !sparse_attn.block_mask<16x16>
    ```
  }];
  let arguments = (ins SparseAttn_BlockMask:$mask, Index:$row, Index:$key);
  let results = (outs I1:$result);
  let assemblyFormat = "$mask `[` $row `,` $key `]` attr-dict `:` type($mask)";
}

def SparseAttn_PredicateOp : SparseAttn_Op<"predicate", [
    Pure, HasParent<"PatternOp">, SingleBlock,
    DeclareOpInterfaceMethods<PatternOpInterface, [
      "buildPredicate", "buildCoverage", "getArrayDemands", "getDependence"]>]> {
  let summary = "Any scalar condition on batch, head, query and key";
  let description = [{
    Holds when the region says so. The region sees the pattern's captures and gets four values of type `index`, which
    here is a signed number of 32 bits: positions fit, and kernels compute with them as such.

    **Constraints:**
    - (C1) the region holds `sparse_attn.read`, `sparse_attn.upper_bound`, and pure `arith` and `math` ops on `index`,
      integers of up to 64 bits and `f32` (no shifts, `ipowi`, `fpowi` or `index_castui`).
    - (C2) the region yields one `i1`.
    - (C3) constants of type `index` fit 32 bits.

    ```mlir
    %same = sparse_attn.predicate (%b, %h, %q, %k) {
      %dq = sparse_attn.read %document[%q] : memref<?xi32>
      %dk = sparse_attn.read %document[%k] : memref<?xi32>
      %equal = arith.cmpi eq, %dq, %dk : i32
      sparse_attn.yield %equal : i1
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let results = (outs SparseAttn_Pattern:$result);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
}

def SparseAttn_ReadOp : SparseAttn_Op<"read", [Pure,
    TypesMatchWith<"the result has the type of the array's elements", "array", "result",
                   "::llvm::cast<::mlir::MemRefType>($_self).getElementType()">]> {
  let summary = "One element of a captured array";
  let description = [{
    Outside the array a predicate does not hold, whatever the rest of it says; the value read is then 0. A score region
    reads the nearest element there. In a predicate an array of rank 2 is indexed by batch and position.

    **Constraints:**
    - (C1) as many indices as the array has dimensions.
    - (C2) a predicate reads an array of rank 2 at the batch that it is asked for.
    - (C3) arrays are of i32 or, in a score region, f32.

    ```mlir
    %id = sparse_attn.read %document[%k] : memref<?xi32>
    ```
  }];
  let arguments = (ins AnyMemRef:$array, Variadic<Index>:$indices);
  let results = (outs AnyTypeOf<[I32, F32]>:$result);
  let assemblyFormat = "$array `[` $indices `]` attr-dict `:` type($array)";
  let hasVerifier = 1;
}

def SparseAttn_UpperBoundOp : SparseAttn_Op<"upper_bound", [Pure]> {
  let summary = "How many elements of an ascending array are at most a number";
  let description = [{
    The number of elements that are `<= value`, which is where the first greater one stands. The array ascends and holds
    no negative number: one that does not is refused when a plan is made. An array of rank 2 is searched in the row of a
    batch.

    Made by `documents`, and written in predicates; expanded to a binary search by each target.

    **Constraints:**
    - (C1) one index less than the array has dimensions.
    - (C2) in a predicate, the row is that of the batch that the predicate is asked for.

    ```mlir
    %i = sparse_attn.upper_bound %offsets[] of %q : memref<?xi32>
    ```
  }];
  let arguments = (ins AnyMemRef:$array, Variadic<Index>:$rows, Index:$value);
  let results = (outs Index:$result);
  let assemblyFormat = "$array `[` $rows `]` `of` $value attr-dict `:` type($array)";
  let hasVerifier = 1;
}

def SparseAttn_RandomRankOp : SparseAttn_Op<"random_rank", [Pure, Elementwise]> {
  let summary = "The rank of a key block in the random permutation of a query block";
  let description = [{
    `inverse_permutation{seed, batch, head, row}(block)` of [0, size), as `random` defines it. All operands are i32, or
    vectors of one shape where a kernel evaluates many pairs at a time; `seed`, `batch`, `head` and `size` stay scalar.

    Made by `random`; expanded by each target.

    ```mlir
    %rank = sparse_attn.random_rank %block in %size seed(7) row(%b, %h, %rb) : i32
    ```
  }];
  let arguments = (ins SignlessIntegerLike:$block, I32:$size, I32:$batch, I32:$head, SignlessIntegerLike:$row,
                       I64Attr:$seed);
  let results = (outs SignlessIntegerLike:$result);
  let assemblyFormat = [{
    $block `in` $size `seed` `(` custom<Number>($seed) `)` `row` `(` $batch `,` $head `,` $row `)` attr-dict `:`
    type($block) `,` type($row) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Emits the computation with arith and scf ops.
    Value expand(OpBuilder &builder);
  }];
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

class AlgebraOp<string mnemonic> : SparseAttn_Op<mnemonic, [Pure, HasParent<"PatternOp">,
    DeclareOpInterfaceMethods<PatternOpInterface,
      ["buildPredicate", "buildKeyBands", "buildCoverage", "getDependence"]>]> {
  let arguments = (ins Variadic<SparseAttn_Pattern>:$operands);
  let results = (outs SparseAttn_Pattern:$result);
  let assemblyFormat = "$operands attr-dict";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def SparseAttn_UnionOp : AlgebraOp<"union"> {
  let summary = "Pairs that attend under some operand";
  let description = [{
    **Constraints:**
    - (C1) at least one operand.

    ```mlir
    %both = sparse_attn.union %local, %global
    ```
  }];
}

def SparseAttn_IntersectOp : AlgebraOp<"intersect"> {
  let summary = "Pairs that attend under every operand";
  let description = [{
    **Constraints:**
    - (C1) at least one operand.

    ```mlir
    %both = sparse_attn.intersect %causal, %same
    ```
  }];
}

def SparseAttn_ComplementOp : SparseAttn_Op<"complement", [Pure, HasParent<"PatternOp">,
    DeclareOpInterfaceMethods<PatternOpInterface,
      ["buildPredicate", "buildKeyBands", "buildCoverage", "getDependence"]>]> {
  let summary = "Pairs that do not attend under the operand";
  let description = [{
    ```mlir
    %far = sparse_attn.complement %local
    ```
  }];
  let arguments = (ins SparseAttn_Pattern:$operand);
  let results = (outs SparseAttn_Pattern:$result);
  let assemblyFormat = "$operand attr-dict";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def SparseAttn_PerHeadOp : SparseAttn_Op<"per_head", [Pure, HasParent<"PatternOp">,
    DeclareOpInterfaceMethods<PatternOpInterface,
      ["buildPredicate", "buildKeyBands", "buildCoverage", "getDependence"]>]> {
  let summary = "A pattern for each head, in turn";
  let description = [{
    Head h has the pattern of operand number h mod n, of n operands.

    **Constraints:**
    - (C1) at least one operand.

    ```mlir
    // Every fourth head looks at everything before; the others stream.
    %heads = sparse_attn.per_head [%causal, %streaming, %streaming, %streaming]
    ```
  }];
  let arguments = (ins Variadic<SparseAttn_Pattern>:$operands);
  let results = (outs SparseAttn_Pattern:$result);
  let assemblyFormat = "` ` `[` $operands `]` attr-dict";
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // SPARSE_ATTN_PATTERNS
