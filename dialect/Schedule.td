//===- Schedule.td - Which key tiles a query tile visits ---*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SCHEDULE
#define SPARSE_ATTN_SCHEDULE

include "dialect/Dialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def SparseAttn_ScheduleOp : SparseAttn_Op<"schedule", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>, Symbol, IsolatedFromAbove, SingleBlock, HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The key tiles that a query tile visits";
  let description = [{
    The region is a function of (batch, head, query tile, query length, key length, captures of the pattern). It ends in
    `ranges`, which says in closed form which key tiles are touched and which of them are full, or in `listed`, where
    only a `plan` can know.

    *Full* means that every existing query of the tile attends to every key of a whole key tile: the ragged last key
    tile is never full. Touched but not full is *partial*, and evaluates the pattern element by element.

    With `modulo` the query tiles are those of the rows 0, modulo, 2 modulo, ..., then those of the rows 1, modulo + 1, ...,
    and key tiles are of the keys in the same residue class: `ceil(ceil(Sq / modulo) / tileQ)` query tiles a class.

    Made by `-sparse-attn-specialize-blocks`; read by every target, the counters and the tools.

    **Constraints:**
    - (C1) tile sizes and `modulo` are positive.
    - (C2) the arguments are five of type `index`, then the captures of the pattern.
    - (C3) the region ends in `ranges` or `listed`.
    - (C4) the region holds ops of schedules, scalar `arith` ops, and `read`, `upper_bound` and `memref.dim` of captured
      arrays, in the row of the batch or of the head where they have rows.

    Reads clamp their last index to the array, as those of predicates do.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$pattern, I64Attr:$tileQ, I64Attr:$tileK,
                       DefaultValuedOptionalAttr<I64Attr, "1">:$modulo);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `of` `(` $pattern `)` `tile` `(` custom<Number>($tileQ) `,` custom<Number>($tileK) `)`
    (`modulo` `(` custom<Number>($modulo)^ `)`)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    BlockArgument getBatch() { return getBody().getArgument(0); }
    BlockArgument getHead() { return getBody().getArgument(1); }
    BlockArgument getTile() { return getBody().getArgument(2); }
    BlockArgument getQueryLength() { return getBody().getArgument(3); }
    BlockArgument getKeyLength() { return getBody().getArgument(4); }
    Block::BlockArgListType getCaptures() { return getBody().getArguments().drop_front(5); }
    Operation *getTerminator() { return getBody().front().getTerminator(); }
    bool isListed();
  }];
}

class ScheduleStep<string mnemonic, list<Trait> traits = []>
    : SparseAttn_Op<mnemonic, !listconcat([Pure, HasParent<"ScheduleOp">], traits)>;

def SparseAttn_QuerySpanOp : ScheduleStep<"query_span"> {
  let summary = "Aligned positions of the first and last query of a tile";
  let description = [{
    `first = tile * tileQ + Skv - Sq`, `last = min(first + tileQ, Skv) - 1`.

    ```mlir
    %first, %last = sparse_attn.query_span %t of %sq, %skv
    ```
  }];
  let arguments = (ins Index:$tile, Index:$queryLength, Index:$keyLength);
  let results = (outs Index:$first, Index:$last);
  let assemblyFormat = "$tile `of` $queryLength `,` $keyLength attr-dict";
}

def SparseAttn_ResidueClassOp : ScheduleStep<"residue_class"> {
  let summary = "The residue class that a query tile is of";
  let description = [{
    Query tiles of a schedule over residue classes are those of the class of row 0, then those of row 1, and so on: with
    n = ceil(ceil(Sq / modulo) / tileQ) it is tile `tile = t mod n` of the class of row `r = t div n`. Its keys are
    number, number + modulo, ..., with `number = (r + Skv - Sq) mod modulo`, and its queries stand at the same positions:
    `queries = ceil((Sq - r) / modulo)` and `keys = ceil((Skv - number) / modulo)`. A tile past the last one of a class
    that is shorter than others has no queries.

    **Constraints:**
    - (C1) the schedule has a `modulo` above 1.

    ```mlir
    %number, %tile, %queries, %keys = sparse_attn.residue_class %t of %sq, %skv
    ```
  }];
  let arguments = (ins Index:$queryTile, Index:$queryLength, Index:$keyLength);
  let results = (outs Index:$number, Index:$tile, Index:$queries, Index:$keys);
  let assemblyFormat = "$queryTile `of` $queryLength `,` $keyLength attr-dict";
  let hasVerifier = 1;
}

class KeysToTiles<string mnemonic> : ScheduleStep<mnemonic> {
  let arguments = (ins Index:$begin, Index:$end, Index:$keyLength);
  let results = (outs Index:$first, Index:$past);
  let assemblyFormat = "`keys` `(` $begin `to` $end `)` `of` $keyLength attr-dict";
}

def SparseAttn_TouchedTilesOp : KeysToTiles<"touched_tiles"> {
  let summary = "Tiles that hold one of the keys [begin, end)";
  let description = [{
    With a = max(begin, 0), b = min(end, Skv): `first = a fdiv tileK`, `past = a < b ? ceil(b / tileK) : first`.

    ```mlir
    %t:2 = sparse_attn.touched_tiles keys(%lo to %hi) of %skv
    ```
  }];
}

def SparseAttn_WholeTilesOp : KeysToTiles<"whole_tiles"> {
  let summary = "Tiles of which all keys lie in [begin, end)";
  let description = [{
    With a = max(begin, 0), b = min(end, Skv): `first = ceil(a / tileK)`, `past = max(first, b fdiv tileK)`.

    ```mlir
    %f:2 = sparse_attn.whole_tiles keys(%lo to %hi) of %skv
    ```
  }];
}

def SparseAttn_DisjointOp : ScheduleStep<"disjoint", [SameVariadicOperandSize, SameVariadicResultSize, InferTypeOpAdaptor]> {
  let summary = "The same tiles as disjoint, ascending ranges";
  let description = [{
    n ranges in, n ranges out (some may be empty): sorted by their first tile with a sorting network, then cut at the
    running maximum of the ends. Results are all first tiles, then all ends.

    ```mlir
    %T:6 = sparse_attn.disjoint (%a, %b, %c to %x, %y, %z)
    ```
  }];
  let arguments = (ins Variadic<Index>:$firsts, Variadic<Index>:$pasts);
  let results = (outs Variadic<Index>:$outFirsts, Variadic<Index>:$outPasts);
  let assemblyFormat = "`(` $firsts `to` $pasts `)` attr-dict";
}

def SparseAttn_ProgressionOp : ScheduleStep<"progression"> {
  let summary = "Every M-th tile that keys of some residues touch";
  let description = [{
    Keys `[first, last] + step * Z` fall into tiles of P = ceil((last - first) / tileK) + 1 progressions, or fewer, with a
    step of M = step / tileK tiles; this is number `index` of them, clipped to the tiles `[within, past)`. Empty when
    `first fdiv tileK + index > last fdiv tileK`. For a stride, first and last are the queries of the tile; for columns,
    which no query moves, a key of the tiles.

    **Constraints:**
    - (C1) tileK divides the step, which is positive.
    - (C2) the index is not negative.

    ```mlir
    %s:2 = sparse_attn.progression 0 step(1024) queries(%first to %last) within(%lo to %hi)
    ```
  }];
  let arguments = (ins I64Attr:$index, I64Attr:$step, Index:$firstQuery, Index:$lastQuery, Index:$within, Index:$past);
  let results = (outs Index:$first, Index:$end);
  let assemblyFormat = [{
    custom<Number>($index) `step` `(` custom<Number>($step) `)` `queries` `(` $firstQuery `to` $lastQuery `)` `within`
    `(` $within `to` $past `)` attr-dict
  }];
  let hasVerifier = 1;
}

def SparseAttn_ClipOp : ScheduleStep<"clip"> {
  let summary = "A strided range of tiles, clipped";
  let description = [{
    `(first + step * ceil(max(0, low - first) / step), min(past, high))`.

    **Constraints:**
    - (C1) the step is positive.

    ```mlir
    %c:2 = sparse_attn.clip (%first to %past step 16) to(%low to %high)
    ```
  }];
  let arguments = (ins Index:$first, Index:$past, I64Attr:$step, Index:$low, Index:$high);
  let results = (outs Index:$outFirst, Index:$outPast);
  let assemblyFormat = [{
    `(` $first `to` $past `step` custom<Number>($step) `)` `to` `(` $low `to` $high `)` attr-dict
  }];
  let hasVerifier = 1;
}

def SparseAttn_RangesOp : SparseAttn_Op<"ranges", [
    Pure, Terminator, HasParent<"ScheduleOp">, AttrSizedOperandSegments]> {
  let summary = "Touched and full tiles in closed form";
  let description = [{
    Touched ranges are disjoint; those of step 1 come first and ascend, the strided ones lie in their gaps. Full ranges
    are disjoint, ascend, and lie inside the touched ranges of step 1. Partial tiles are touched without full; they are
    never listed.

    **Constraints:**
    - (C1) as many ends as first tiles, and one step a touched range.
    - (C2) steps are positive, and those of 1 come first.

    ```mlir
    sparse_attn.ranges touched(%t0, %t1 to %t2, %t3 step [1, 16]) full(%f0 to %f1)
    ```
  }];
  let arguments = (ins Variadic<Index>:$touchedFirsts, Variadic<Index>:$touchedPasts, DenseI64ArrayAttr:$steps,
                       Variadic<Index>:$fullFirsts, Variadic<Index>:$fullPasts);
  let assemblyFormat = [{
    `touched` `(` $touchedFirsts `to` $touchedPasts `step` $steps `)` `full` `(` $fullFirsts `to` $fullPasts `)` attr-dict
  }];
  let hasVerifier = 1;
}

def SparseAttn_ListedOp : SparseAttn_Op<"listed", [
    Pure, Terminator, HasParent<"ScheduleOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Touched and full tiles come from lists";
  let description = [{
    The lists of the row (batch, head, tile), which `prepare` made by running the plan.

    **Constraints:**
    - (C1) `plan` names a plan of the schedule's pattern and tile sizes.

    ```mlir
    sparse_attn.listed @packed_64x64_plan
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$plan);
  let assemblyFormat = "$plan attr-dict";
}

def SparseAttn_PlanOp : SparseAttn_Op<"plan", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    Symbol, IsolatedFromAbove, SingleBlock, HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "What the descent asks of a rectangle of pairs";
  let description = [{
    The region is a function of (batch, head, first query, last query, first key, last key, query length, key length,
    captures), positions inclusive and aligned; it yields two i1: may some pair of the rectangle attend, do all? A
    target compiles it into a walk over aligned nodes of key tiles, which takes a node whole, drops it or halves it. The
    walk runs once, before the first launch.

    Made by `-sparse-attn-specialize-blocks` for patterns without bands.

    **Constraints:**
    - (C1) the arguments are eight of type `index`, then the captures of the pattern.
    - (C2) the region yields two i1.
    - (C3) `read`, `upper_bound`, `read_bounds` and `block_coverage` read captures of the plan, in the row of its batch or
      head where they have rows.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$pattern, I64Attr:$tileQ, I64Attr:$tileK);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `of` `(` $pattern `)` `tile` `(` custom<Number>($tileQ) `,` custom<Number>($tileK) `)` attr-dict-with-keyword
    $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    Block::BlockArgListType getCaptures() { return getBody().getArguments().drop_front(8); }
    /// The number among the captures of an argument that is one.
    unsigned getCaptureNumber(Value capture) { return ::llvm::cast<BlockArgument>(capture).getArgNumber() - 8; }
  }];
}

def SparseAttn_ReadBoundsOp : SparseAttn_Op<"read_bounds", [Pure]> {
  let summary = "Least and greatest element of a slice of a captured array";
  let description = [{
    Of the elements [first, last] that exist: bounds of their values (as i64; minimum above maximum when none exists),
    and whether all of them exist. Bounds may be wider than the slice asks for.

    ```mlir
    %min, %max, %inside = sparse_attn.read_bounds %document[] from %first to %last : memref<?xi32>
    ```
  }];
  let arguments = (ins AnyMemRef:$array, Variadic<Index>:$batch, Index:$first, Index:$last);
  let results = (outs I64:$min, I64:$max, I1:$inside);
  let assemblyFormat = "$array `[` $batch `]` `from` $first `to` $last attr-dict `:` type($array)";
}

def SparseAttn_BlockCoverageOp : SparseAttn_Op<"block_coverage", [Pure]> {
  let summary = "Which blocks of some keys a mask holds";
  let description = [{
    Of the blocks that hold the keys [first, last] and the queries of the tile that the plan lists: does the mask hold
    some, does it hold all? Keys that do not exist are not asked for. Answers may be `(true, false)` where the keys
    begin or end within a block of others.

    ```mlir
    %any, %all = sparse_attn.block_coverage %mask keys(%first to %last) : !sparse_attn.block_mask
    ```
  }];
  let arguments = (ins SparseAttn_BlockMask:$mask, Index:$first, Index:$last);
  let results = (outs I1:$any, I1:$all);
  let assemblyFormat = "$mask `keys` `(` $first `to` $last `)` attr-dict `:` type($mask)";
}

#endif // SPARSE_ATTN_SCHEDULE
