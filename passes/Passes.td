//===- Passes.td - The stages of the compiler --------------*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES
#define SPARSE_ATTN_PASSES

include "mlir/Pass/PassBase.td"

def SimplifyPatterns : Pass<"sparse-attn-simplify-patterns", "::mlir::ModuleOp"> {
  let summary = "Normalise the algebra of patterns";
  let description = [{
    Before: patterns as written. After: nested unions and intersections are flat, constant windows under one
    intersection are one window, strides that add nothing are gone, and nothing unused is left.

    ```mlir
    %c = sparse_attn.causal
    %w = sparse_attn.window left(511) right(511)
    %p = sparse_attn.intersect %c, %w              // %p = sparse_attn.window left(511) right(0)
    ```
  }];
}

def FuseMerge : Pass<"sparse-attn-fuse-merge", "::mlir::ModuleOp"> {
  let summary = "Let attention go on from the partial results that it is merged with";
  let description = [{
    Before: results of several attention ops are merged. After: each but the first goes on from the result of the one
    before, and the last one's is the merged result. So only one output and one log-sum-exp exist at a time.

    ```mlir
    %a, %la = sparse_attn.attention %q, %k, %v pattern(@near) : ...
    %b, %lb = sparse_attn.attention %q, %k, %v pattern(@far) : ...
    %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : ...
    // %o, %lse = sparse_attn.attention %q, %k, %v pattern(@far) from(%a, %la : ...) : ...
    ```
  }];
}

def ReindexDilation : Pass<"sparse-attn-reindex-dilation", "::mlir::ModuleOp"> {
  let summary = "Turn dilated attention into dense attention over residue classes";
  let description = [{
    Where the distances of all pairs that attend are multiples of some s, attention gets `modulo(s)`: its kernel works on
    every s-th row, class by class, and computes no pair that the dilation leaves out. No row is copied, and no row added:
    classes differ in length by one. A union of which a part is so dilated is computed in two: the other part, and then,
    going on from its result, what is dilated and lies outside of it.

    ```mlir
    %o = sparse_attn.attention %q, %k, %v pattern(@dilated) modulo(8) : ...
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SpecializeBlocks : Pass<"sparse-attn-specialize-blocks", "::mlir::ModuleOp"> {
  let summary = "Work out which key tiles a query tile visits";
  let description = [{
    Before: attention ops name a pattern. After: they name a schedule too, one for each pattern and tile size. A pattern
    with bands gets a schedule in closed form; any other gets a plan, which lists the tiles once before the first launch.

    ```mlir
    sparse_attn.schedule @causal_64x64 of(@causal) tile(64, 64) {
    ^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
      %first, %last = sparse_attn.query_span %t of %sq, %skv
      ...
      sparse_attn.ranges touched(%T#0 to %T#1 step [1]) full(%F#0 to %F#1)
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cpu\"", "cpu, or the chip of a GPU: sm_80, sm_90a, ...">,
    Option<"tileQ", "tile-q", "int64_t", /*default=*/"0", "Queries a tile; 0 lets the target choose">,
    Option<"tileK", "tile-k", "int64_t", /*default=*/"0", "Keys a tile; 0 lets the target choose">,
    Option<"remarks", "remarks", "bool", /*default=*/"false",
           "Say at each attention how its tiles are found and, for static lengths, how many are visited">,
  ];
  let statistics = [
    Statistic<"closedForm", "closed-form-schedules", "Schedules in closed form">,
    Statistic<"listed", "listed-schedules", "Schedules that read lists made by a plan">,
    Statistic<"ranges", "touched-ranges", "Touched ranges in all schedules">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def FuseSoftmax : Pass<"sparse-attn-fuse-softmax", "::mlir::ModuleOp"> {
  let summary = "Fuse the products, the mask and the softmax of each attention into one kernel";
  let description = [{
    Before: attention ops name a schedule. After: each is a launch of a kernel, whose body computes one query tile in one
    loop over the visited key tiles (online softmax). Captured arrays and the log-sum-exp are arguments of the kernel.
    Weights and column sums become launches of kernels over the visited blocks.

    ```mlir
    %m, %l, %acc = sparse_attn.for_each_key_tile %visit state(%m0, %l0, %a0) ... {
      %s = sparse_attn.scores %qt, %kt scale(0.125) ...
      %sm = sparse_attn.mask %s when %partial ...
      %m1, %l1, %p, %c = sparse_attn.online_softmax %sm, %mi, %li ...
      %ar = sparse_attn.rescale %ai, %c ...
      %a1 = sparse_attn.accumulate %p, %vt, %ar ...
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def ConvertToCPU : Pass<"sparse-attn-convert-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Lower tile programs to vector code for a CPU";
  let description = [{
    Before: kernels and schedules. After: for each kernel the functions `<kernel>_items`, `_work`, `_predicate`,
    `_tiles` and, where there is a plan, `_plan` (docs/artifact.md), in the vector, scf, memref, arith and llvm dialects.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", /*default=*/"\"x86-64-v4\"",
           "x86-64-v3, x86-64-v4, or the name of a CPU that LLVM knows">,
    Option<"features", "features", "std::string", /*default=*/"\"\"",
           "Features beyond those of the CPU, for instance +avx512bf16">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::x86vector::X86VectorDialect",
  ];
}

def ConvertToNVVM : Pass<"sparse-attn-convert-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lower tile programs to GPU kernels";
  let description = [{
    Before: kernels and schedules. After: for each kernel a function of `gpu.module @device`, which one block of threads
    runs, in the arith, scf, llvm, nvvm and sparse_attn_nvvm dialects, and the host functions `<kernel>_work`,
    `_predicate`, `_tiles` and, where there is a plan, `_plan` (docs/artifact.md).
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_80\"", "sm_80, sm_86, sm_89 or sm_90a">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect", "::mlir::sparse_attn::nvvm::SparseAttnNvvmDialect",
    "::mlir::vector::VectorDialect",
  ];
}

def LowerNVVM : Pass<"sparse-attn-lower-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Lower GPU kernels to the LLVM and NVVM dialects";
  let description = [{
    Before: kernels as `-sparse-attn-convert-to-nvvm` writes them. After: the llvm and nvvm dialects alone, with `index` of
    32 bits, ready for translation to LLVM IR and PTX.
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def NVVMToSimulator : Pass<"sparse-attn-nvvm-to-simulator", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Lower GPU kernels to host code for the simulated device";
  let description = [{
    Before: kernels as `-sparse-attn-convert-to-nvvm` writes them. After: host functions `(calls, thread, maps, block)` in
    the llvm dialect, which ask the table `calls` for whatever only a GPU has (sparse_attn/SimulatorCalls.def).
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect", "::mlir::LLVM::LLVMDialect"];
}

def PrintPatterns : Pass<"sparse-attn-print-patterns", "::mlir::ModuleOp"> {
  let summary = "Draw every pattern of the module as text";
  let description = [{
    Prints, for each pattern, its name and one line a query, top down: `#` where the query attends to the key, `.` where
    it does not. Sequences of different lengths end together. The module stays as it is; `-o /dev/null` hides it.

    ```
    sparse-attn-opt --sparse-attn-print-patterns="rows=4 columns=6" causal.mlir -o /dev/null
    @causal: 4 queries, 6 keys
    ###...
    ####..
    #####.
    ######
    ```

    `numbers` are the captured numbers, in order. A pattern that captures arrays, or more numbers than are given, is
    named, with the reason.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", /*default=*/"16", "Number of queries">,
    Option<"columns", "columns", "int64_t", /*default=*/"16", "Number of keys">,
    Option<"batch", "batch", "int64_t", /*default=*/"0", "Batch, for patterns that depend on it">,
    Option<"head", "head", "int64_t", /*default=*/"0", "Head, for patterns that depend on it">,
    ListOption<"numbers", "numbers", "int64_t", "Values of the captured numbers">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
}

def ProveSchedule : Pass<"sparse-attn-prove-schedule", "::mlir::ModuleOp"> {
  let summary = "State what makes schedules right, for a solver to prove";
  let description = [{
    Before: patterns and their schedules. After: one `smt.solver` a claim and nothing else, which
    `mlir-translate --export-smtlib` turns into scripts: `unsat` means that the claim holds for every length below 2^31 and
    all captured numbers. `sparse-attn-prove` runs them (docs/proofs.md).

    ```mlir
    smt.solver() {sparse_attn.schedule = "causal_64x64", sparse_attn.claim = "pairs of band 0 lie in visited tiles",
                  sparse_attn.symbols = ["b", "h", "sq", "skv", "tile", "q", "k"]} : () -> () {
      %sq = smt.declare_fun "sq" : !smt.int
      ...
      smt.assert %not_visited
      smt.check sat {} unknown {} unsat {}
    }
    ```

    What cannot be stated is named in a remark, and leaves an empty solver with `sparse_attn.obstacle`. A claim with `sparse_attn.optional` is about speed: nothing is wrong where
    it fails. `sparse_attn.opaque` names ops that stand for any function of their operands.
  }];
  let statistics = [
    Statistic<"claimed", "claims", "Claims about schedules">,
    Statistic<"unstated", "claims-not-stated", "Claims among them that a solver cannot be asked">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::smt::SMTDialect",
  ];
}

#endif // SPARSE_ATTN_PASSES
