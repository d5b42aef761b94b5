//===- Passes.h - The stages of the compiler --------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PASSES_H
#define SPARSE_ATTN_PASSES_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
namespace arith {
class ArithDialect;
}
namespace func {
class FuncDialect;
}
namespace LLVM {
class LLVMDialect;
}
namespace math {
class MathDialect;
}
namespace memref {
class MemRefDialect;
}
namespace scf {
class SCFDialect;
}
namespace vector {
class VectorDialect;
}
namespace x86vector {
class X86VectorDialect;
}

namespace sparse_attn {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

/// How `-sparse-attn-to-cpu` compiles.
struct ToCPUOptions : PassPipelineOptions<ToCPUOptions> {
  PassOptions::Option<std::string> cpu{*this, "cpu", llvm::cl::desc("x86-64-v3, x86-64-v4, or a CPU that LLVM knows"),
                                       llvm::cl::init("x86-64-v4")};
  PassOptions::Option<std::string> features{
      *this, "features", llvm::cl::desc("Features beyond those of the CPU, for instance +avx512bf16"),
      llvm::cl::init("")};
  PassOptions::Option<int64_t> tileQ{*this, "tile-q", llvm::cl::desc("Queries a tile; 0: by CPU and head size"),
                                     llvm::cl::init(0)};
  PassOptions::Option<int64_t> tileK{*this, "tile-k", llvm::cl::desc("Keys a tile; 0: by CPU and head size"),
                                     llvm::cl::init(0)};
  PassOptions::Option<bool> remarks{*this, "remarks", llvm::cl::desc("Say how the tiles of each attention are found"),
                                    llvm::cl::init(false)};
};

/// Patterns and attention to tile programs.
void buildToTilesPipeline(OpPassManager &pm, const ToCPUOptions &options);
/// Tile programs to the LLVM dialect, for one CPU.
void buildTilesToLLVMPipeline(OpPassManager &pm, const ToCPUOptions &options);
/// Both: patterns and attention to the LLVM dialect, for one CPU.
void buildToCPUPipeline(OpPassManager &pm, const ToCPUOptions &options);

/// Registers every pass and pipeline of the project.
void registerSparseAttnPipelines();

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace sparse_attn
} // namespace mlir

#endif // SPARSE_ATTN_PASSES_PASSES_H
