// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

// CHECK-LABEL: func.func @shared_memory
func.func @shared_memory() -> !llvm.ptr<3> {
  // CHECK: sparse_attn_nvvm.shared_memory : <3>
  %shared = sparse_attn_nvvm.shared_memory : <3>
  return %shared : !llvm.ptr<3>
}

// CHECK-LABEL: func.func @exponential
// CHECK-SAME:  %[[X:.*]]: f32
func.func @exponential(%x: f32) -> f32 {
  // CHECK: %[[LOG:.*]] = sparse_attn_nvvm.log2 %[[X]]{{$}}
  %log = sparse_attn_nvvm.log2 %x
  // CHECK: sparse_attn_nvvm.reciprocal %[[X]]{{$}}
  %inverse = sparse_attn_nvvm.reciprocal %x
  // CHECK: sparse_attn_nvvm.exp2 %[[LOG]]{{$}}
  %power = sparse_attn_nvvm.exp2 %log
  return %power : f32
}

// CHECK-LABEL: func.func @pack_halves
// CHECK-SAME:  %[[HI:.*]]: f32, %[[LO:.*]]: f32
func.func @pack_halves(%hi: f32, %lo: f32) -> (i32, i32) {
  // CHECK: sparse_attn_nvvm.pack_halves %[[HI]], %[[LO]] to f16
  %half = sparse_attn_nvvm.pack_halves %hi, %lo to f16
  // CHECK: sparse_attn_nvvm.pack_halves %[[HI]], %[[LO]] to bf16
  %brain = sparse_attn_nvvm.pack_halves %hi, %lo to bf16
  return %half, %brain : i32, i32
}

// CHECK-LABEL: func.func @wgmma
// CHECK-SAME:  %[[A:[a-z0-9]*]]: i64, %[[B:[a-z0-9]*]]: i64, %[[W:[a-z0-9]*]]: i32, %[[X:[a-z0-9]*]]: f32
func.func @wgmma(%a: i64, %b: i64, %w: i32, %x: f32) {
  // A product alone, with A from shared memory.
  // CHECK: sparse_attn_nvvm.wgmma descriptor(%[[A]]), %[[B]] of bf16 : () -> (f32, f32, f32, f32)
  %alone:4 = sparse_attn_nvvm.wgmma descriptor(%a), %b of bf16 : () -> (f32, f32, f32, f32)
  // The same, added.
  // CHECK: sparse_attn_nvvm.wgmma descriptor(%[[A]]), %[[B]] to(%[[X]], %[[X]], %[[X]], %[[X]]) of f16
  // CHECK-SAME: : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
  %added:4 = sparse_attn_nvvm.wgmma descriptor(%a), %b to(%x, %x, %x, %x) of f16
      : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
  // A from registers.
  // CHECK: sparse_attn_nvvm.wgmma a(%[[W]], %[[W]], %[[W]], %[[W]]), %[[B]] of f16 : () -> (f32, f32, f32, f32)
  %words:4 = sparse_attn_nvvm.wgmma a(%w, %w, %w, %w), %b of f16 : () -> (f32, f32, f32, f32)
  // CHECK: sparse_attn_nvvm.wgmma a(%[[W]], %[[W]], %[[W]], %[[W]]), %[[B]] transposed to(%[[X]], %[[X]], %[[X]], %[[X]]) of bf16
  %transposed:4 = sparse_attn_nvvm.wgmma a(%w, %w, %w, %w), %b transposed to(%x, %x, %x, %x) of bf16
      : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
  return
}

// CHECK-LABEL: func.func @wgmma_wait
// CHECK-SAME:  %[[X:.*]]: f32, %[[Y:.*]]: f32
func.func @wgmma_wait(%x: f32, %y: f32) -> f32 {
  // CHECK: %[[PAIR:.*]]:2 = sparse_attn_nvvm.wgmma_wait 1 for %[[X]], %[[Y]] : f32, f32
  %pair:2 = sparse_attn_nvvm.wgmma_wait 1 for %x, %y : f32, f32
  // CHECK: sparse_attn_nvvm.wgmma_wait 0 for %[[PAIR]]#1 : f32
  %last = sparse_attn_nvvm.wgmma_wait 0 for %pair#1 : f32
  return %last : f32
}

// CHECK-LABEL: func.func @release
// CHECK-SAME:  %[[BARRIER:.*]]: !llvm.ptr<3>, %[[X:.*]]: f32
func.func @release(%barrier: !llvm.ptr<3>, %x: f32) {
  // CHECK: %[[DONE:.*]] = sparse_attn_nvvm.wgmma_wait
  %done = sparse_attn_nvvm.wgmma_wait 0 for %x : f32
  // CHECK: sparse_attn_nvvm.release %[[BARRIER]] after %[[DONE]] : <3>
  sparse_attn_nvvm.release %barrier after %done : <3>
  return
}
