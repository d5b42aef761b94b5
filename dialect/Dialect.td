//===- Dialect.td - The sparse_attn dialect and its types --*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT
#define SPARSE_ATTN_DIALECT

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def SparseAttn_Dialect : Dialect {
  let name = "sparse_attn";
  let cppNamespace = "::mlir::sparse_attn";
  let summary = "Sparse attention, from declared patterns to tile programs";
  let description = [{
    A user declares *which* query-key pairs attend (`pattern`) and where (`attention`). Passes work out which tiles of
    the score matrix exist (`schedule`) and fuse the products, the mask and the softmax into one kernel a query tile.

    ```
      pattern + attention      what the user writes
            |  -sparse-attn-simplify-patterns   the algebra of patterns, normalised
            |  -sparse-attn-specialize-blocks   which key tiles a query tile visits
      schedule                 ranges in closed form, or lists made once before the first launch
            |  -sparse-attn-fuse-softmax        one loop over the visited key tiles
      kernel                   the tile program: target-independent, tiles are values
            |  -sparse-attn-convert-to-cpu
      vector, scf, memref
    ```

    **Positions.** `q` is the *aligned* position of a query: its row plus (key length - query length), so that both
    sequences end together. It is negative for the first rows when there are more queries than keys. Division and
    remainder of positions round down.
  }];
  let useDefaultTypePrinterParser = 1;
  // What the methods of patterns emit.
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

class SparseAttn_Type<string name, string typeMnemonic> : TypeDef<SparseAttn_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def SparseAttn_Pattern : SparseAttn_Type<"Pattern", "pattern"> {
  let summary = "A Boolean function of batch, head, query position and key position";
}

def SparseAttn_BlockMask : SparseAttn_Type<"BlockMask", "block_mask"> {
  let summary = "A set of blocks of pairs that is known only at run time";
  let description = [{
    `block_mask<16x64>` is a mask over blocks of 16 queries and 64 keys, which the caller supplies when a plan is made:
    the runtime's `BlockMask`, one for each batch and head or shared by them. Its row i stands for the queries
    [16 i, 16 i + 16), counted from the first query (not aligned), its column j for the keys [64 j, 64 j + 64).
    `block_mask` alone has blocks of 64x64.

    **Constraints:**
    - (C1) both sizes are one of 16, 32, 64, 128 and 256.
  }];
  let parameters = (ins "int64_t":$queryBlock, "int64_t":$keyBlock);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Blocks of 64x64, what is meant where no sizes are written.
    static BlockMaskType getDefault(::mlir::MLIRContext *context) { return get(context, 64, 64); }
  }];
}

def SparseAttn_Visit : SparseAttn_Type<"Visit", "visit"> {
  let summary = "The key tiles that one query tile visits: the partial ones, then the full ones";
}

def SparseAttn_Tile : SparseAttn_Type<"Tile", "tile"> {
  let summary = "A tile of values without a place";
  let description = [{
    `tile<64x128xf32>` is a matrix of 64 rows, `tile<64xf32>` one number a row. Tiles have value semantics; each target
    decides where they live: scratch memory, registers, shared memory.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let builders = [
    TypeBuilderWithInferredContext<(ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType), [{
      return $_get(elementType.getContext(), shape, elementType);
    }]>
  ];
}

class SparseAttn_Op<string opMnemonic, list<Trait> traits = []> : Op<SparseAttn_Dialect, opMnemonic, traits>;

#endif // SPARSE_ATTN_DIALECT
