//===- Passes.h - The stages of the compiler --------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PASSES_H
#define SPARSE_ATTN_PASSES_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
namespace arith {
class ArithDialect;
}
namespace cf {
class ControlFlowDialect;
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
namespace NVVM {
class NVVMDialect;
}
namespace scf {
class SCFDialect;
}
namespace smt {
class SMTDialect;
}
namespace vector {
class VectorDialect;
}
namespace x86vector {
class X86VectorDialect;
}

namespace sparse_attn {
namespace nvvm {
class SparseAttnNvvmDialect;
}

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
};

/// How `-sparse-attn-to-gpu` compiles.
struct ToGPUOptions : PassPipelineOptions<ToGPUOptions> {
  PassOptions::Option<std::string> chip{*this, "chip", llvm::cl::desc("sm_80, sm_86, sm_89 or sm_90a"),
                                        llvm::cl::init("sm_80")};
  PassOptions::Option<int64_t> tileQ{*this, "tile-q", llvm::cl::desc("Queries a tile; 0: by chip and head size"),
                                     llvm::cl::init(0)};
  PassOptions::Option<int64_t> tileK{*this, "tile-k", llvm::cl::desc("Keys a tile; 0: by chip and head size"),
                                     llvm::cl::init(0)};
};

/// What comes before a target: patterns and attention to tile programs for "cpu", or for the chip of a GPU.
struct ToTilesOptions : PassPipelineOptions<ToTilesOptions> {
  PassOptions::Option<std::string> target{*this, "target", llvm::cl::desc("cpu, or the chip of a GPU"),
                                          llvm::cl::init("cpu")};
  PassOptions::Option<int64_t> tileQ{*this, "tile-q", llvm::cl::desc("Queries a tile; 0: by target"),
                                     llvm::cl::init(0)};
  PassOptions::Option<int64_t> tileK{*this, "tile-k", llvm::cl::desc("Keys a tile; 0: by target"), llvm::cl::init(0)};
  PassOptions::Option<bool> remarks{*this, "remarks", llvm::cl::desc("Say how the tiles of each attention are found"),
                                    llvm::cl::init(false)};
  PassOptions::Option<bool> reindex{*this, "reindex", llvm::cl::desc("Turn dilated attention into dense work"),
                                    llvm::cl::init(true)};
};

/// Patterns and attention to schedules.
void buildToSchedulesPipeline(OpPassManager &pm, const ToTilesOptions &options);
/// Patterns and attention to tile programs.
void buildToTilesPipeline(OpPassManager &pm, const ToTilesOptions &options);
/// Tile programs to the target-level IR of GPU kernels, and host functions over memrefs.
void buildTilesToNVVMPipeline(OpPassManager &pm, StringRef chip);
/// Host functions over memrefs to the LLVM dialect: what a GPU artifact has beside its kernels.
void buildHostToLLVMPipeline(OpPassManager &pm);
/// Patterns and attention to GPU kernels in the LLVM and NVVM dialects, and host functions in the LLVM dialect.
void buildToGPUPipeline(OpPassManager &pm, const ToGPUOptions &options);
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
