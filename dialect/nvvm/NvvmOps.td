//===- NvvmOps.td - What GPU kernels need beyond NVVM ------*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_NVVM_OPS
#define SPARSE_ATTN_NVVM_OPS

include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def SparseAttnNvvm_Dialect : Dialect {
  let name = "sparse_attn_nvvm";
  let cppNamespace = "::mlir::sparse_attn::nvvm";
  let summary = "GPU operations that the NVVM dialect lacks";
  let description = [{
    A GPU kernel is written in `arith`, `scf`, `llvm` and `nvvm`, and in these few ops where `nvvm` has none, or none that
    keeps the order of asynchronous work in the values. Two lowerings read the same kernel: to PTX, where these ops become
    intrinsics and inline assembly, and to host code for the simulated device, where they and the `nvvm` ops become calls
    of the runtime's simulator.

    Made by `-sparse-attn-convert-to-nvvm`; consumed by `-sparse-attn-lower-nvvm` and `-sparse-attn-nvvm-to-simulator`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

class SparseAttnNvvm_Op<string mnemonic, list<Trait> traits = []> : Op<SparseAttnNvvm_Dialect, mnemonic, traits>;

def SparseAttnNvvm_HalfAttr : TypeAttrOf<AnyTypeOf<[F16, BF16]>>;

def SparseAttnNvvm_SharedMemoryOp : SparseAttnNvvm_Op<"shared_memory", [Pure]> {
  let summary = "The dynamic shared memory of the block, aligned to 1024 bytes";
  let results = (outs LLVM_PointerInAddressSpace<3>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def SparseAttnNvvm_Exp2Op : SparseAttnNvvm_Op<"exp2", [Pure, SameOperandsAndResultType]> {
  let summary = "2^x (ex2.approx.ftz: 2 ulp; 2^-inf is 0)";
  let arguments = (ins F32:$operand);
  let results = (outs F32:$result);
  let assemblyFormat = "$operand attr-dict";
}

def SparseAttnNvvm_ReciprocalOp : SparseAttnNvvm_Op<"reciprocal", [Pure, SameOperandsAndResultType]> {
  let summary = "1 / x (rcp.approx.ftz: 1 ulp; 0 of infinity)";
  let arguments = (ins F32:$operand);
  let results = (outs F32:$result);
  let assemblyFormat = "$operand attr-dict";
}

def SparseAttnNvvm_Log2Op : SparseAttnNvvm_Op<"log2", [Pure, SameOperandsAndResultType]> {
  let summary = "Binary logarithm (lg2.approx.ftz)";
  let arguments = (ins F32:$operand);
  let results = (outs F32:$result);
  let assemblyFormat = "$operand attr-dict";
}

def SparseAttnNvvm_PackHalvesOp : SparseAttnNvvm_Op<"pack_halves", [Pure]> {
  let summary = "Two numbers rounded to 16 bits each: hi << 16 | lo";
  let arguments = (ins F32:$hi, F32:$lo, SparseAttnNvvm_HalfAttr:$elementType);
  let results = (outs I32:$result);
  let assemblyFormat = "$hi `,` $lo `to` $elementType attr-dict";
}

def SparseAttnNvvm_WgmmaOp : SparseAttnNvvm_Op<"wgmma", [AttrSizedOperandSegments]> {
  let summary = "One step of an asynchronous product of a warpgroup (wgmma.mma_async.m64nNk16)";
  let description = [{
    `result = accumulator + A * B` with A of 64 x 16 from shared memory (`descriptorA`) or from registers (`a`, 4 words), B
    of 16 x N from shared memory, where N is twice the number of results. Without an accumulator the product alone. A thread
    holds N / 2 numbers of the accumulator. B lies K-major, or N-major where `transposed`. Descriptors are those of the
    PTX ISA, "Matrix descriptor".

    The results are there after a `wgmma_wait` that waits for the group of this op, which a
    `nvvm.wgmma.commit.group.sync.aligned` closes. A `nvvm.wgmma.fence.aligned` stands before the first op that reads
    registers which were written since the last one. The passes that lower kernels check this (KernelVerifier.h).

    **Constraints:**
    - (C1) N is a multiple of 8 of at most 256, so that there are at most 128 results, a multiple of 4.
    - (C2) as many accumulators as results, or none.
    - (C3) either 4 words or a descriptor of A.
    - (C4) results are used as accumulators of further ops and by `wgmma_wait` alone.
  }];
  let arguments = (ins Variadic<F32>:$accumulator, Variadic<I32>:$a, Optional<I64>:$descriptorA, I64:$descriptorB,
                       SparseAttnNvvm_HalfAttr:$elementType, UnitAttr:$transposed);
  let results = (outs Variadic<F32>:$results);
  let assemblyFormat = [{
    (`a` `(` $a^ `)`)? (`descriptor` `(` $descriptorA^ `)`)? `,` $descriptorB (`transposed` $transposed^)?
    (`to` `(` $accumulator^ `)`)? `of` $elementType attr-dict `:` functional-type($accumulator, $results)
  }];
  let hasVerifier = 1;
}

def SparseAttnNvvm_WgmmaWaitOp : SparseAttnNvvm_Op<"wgmma_wait", [AllTypesMatch<["values", "results"]>]> {
  let summary = "Waits until at most `pending` groups of products are in flight";
  let description = [{
    The operands are results of products that are waited for; the results are the same numbers, now there. So no use of
    them can move before the wait.

    **Constraints:**
    - (C1) at least one value.
    - (C2) `pending` is from 0 to 7.
  }];
  let arguments = (ins I64Attr:$pending, Variadic<F32>:$values);
  let results = (outs Variadic<F32>:$results);
  let assemblyFormat = "$pending `for` $values attr-dict `:` type($values)";
  let hasVerifier = 1;
}

def SparseAttnNvvm_ReleaseOp : SparseAttnNvvm_Op<"release"> {
  let summary = "Arrives at an mbarrier once a product has read its operands";
  let description = [{
    A stage of a ring may be filled again when the products that read it are done. `product` is one of their results, after
    the wait for them: so the arrival cannot stand before that wait.

    **Constraints:**
    - (C1) `product` is a result of `wgmma_wait`.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<3>:$barrier, F32:$product);
  let assemblyFormat = "$barrier `after` $product attr-dict `:` type($barrier)";
  let hasVerifier = 1;
}

#endif // SPARSE_ATTN_NVVM_OPS
