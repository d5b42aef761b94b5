// RUN: sparse-attn-opt %s --pass-pipeline="builtin.module(gpu.module(sparse-attn-lower-nvvm))" > %t
// RUN: FileCheck %s < %t

// Nothing is left but what has a translation.
// RUN: not grep -E "sparse_attn|arith[.]|scf[.]| cf[.]" %t

// CHECK-LABEL: gpu.module @device {
gpu.module @device {

// The dynamic shared memory is one array without a size, aligned for swizzled tiles.
// CHECK:       llvm.mlir.global external @shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

// CHECK-LABEL: llvm.func @shared_memory_of_kernel
// CHECK:         %[[SHARED:.*]] = llvm.mlir.addressof @shared_memory : !llvm.ptr<3>
// CHECK:         llvm.store %{{.*}}, %[[SHARED]]
llvm.func @shared_memory_of_kernel(%x: f32) {
  %shared = sparse_attn_nvvm.shared_memory : <3>
  llvm.store %x, %shared : f32, !llvm.ptr<3>
  llvm.return
}

// CHECK-LABEL: llvm.func @exp2(
// CHECK-SAME:    %[[X:.*]]: f32
// CHECK:         llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[X]]) : (f32) -> f32
llvm.func @exp2(%x: f32) -> f32 {
  %y = sparse_attn_nvvm.exp2 %x
  llvm.return %y : f32
}

// CHECK-LABEL: llvm.func @log2(
// CHECK-SAME:    %[[X:.*]]: f32
// CHECK:         llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%[[X]]) : (f32) -> f32
llvm.func @log2(%x: f32) -> f32 {
  %y = sparse_attn_nvvm.log2 %x
  llvm.return %y : f32
}

// CHECK-LABEL: llvm.func @reciprocal(
// CHECK-SAME:    %[[X:.*]]: f32
// CHECK:         llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%[[X]]) : (f32) -> f32
llvm.func @reciprocal(%x: f32) -> f32 {
  %y = sparse_attn_nvvm.reciprocal %x
  llvm.return %y : f32
}

// The low half is element 0.
// CHECK-LABEL: llvm.func @pack_halves(
// CHECK-SAME:    %[[HI:.*]]: f32, %[[LO:.*]]: f32
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         %[[FIRST:.*]] = llvm.insertelement %[[LO]], %{{.*}}[%[[ZERO]] : i32] : vector<2xf32>
// CHECK:         %[[ONE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         %[[PAIR:.*]] = llvm.insertelement %[[HI]], %[[FIRST]][%[[ONE]] : i32] : vector<2xf32>
// CHECK:         %[[HALVES:.*]] = llvm.fptrunc %[[PAIR]] : vector<2xf32> to vector<2xbf16>
// CHECK:         llvm.bitcast %[[HALVES]] : vector<2xbf16> to i32
llvm.func @pack_halves(%hi: f32, %lo: f32) -> i32 {
  %word = sparse_attn_nvvm.pack_halves %hi, %lo to bf16
  llvm.return %word : i32
}

// A product alone: nothing is tied, and nothing is added to.
// CHECK-LABEL: llvm.func @product(
// CHECK-SAME:    %[[A:.*]]: i64, %[[B:.*]]: i64
// CHECK:         %[[ALL:.*]] = llvm.inline_asm has_side_effects asm_dialect = att
// CHECK-SAME:      "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, $4, $5, 0, 1, 1, 0, 0;",
// CHECK-SAME:      "=f,=f,=f,=f,l,l" %[[A]], %[[B]] : (i64, i64) -> !llvm.struct<(f32, f32, f32, f32)>
// CHECK:         %[[DONE:.*]] = llvm.extractvalue %[[ALL]][0]
// The wait has the registers of the product as its own.
// CHECK:         llvm.inline_asm has_side_effects asm_dialect = att "wgmma.wait_group.sync.aligned 0;",
// CHECK-SAME:      "=f,0" %[[DONE]] : (f32) -> !llvm.struct<(f32)>
llvm.func @product(%a: i64, %b: i64) -> f32 {
  nvvm.wgmma.fence.aligned
  %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %b of bf16 : () -> (f32, f32, f32, f32)
  nvvm.wgmma.commit.group.sync.aligned
  %done = sparse_attn_nvvm.wgmma_wait 0 for %r#0 : f32
  llvm.return %done : f32
}

// With words of A, an accumulator in the registers of the results, and B transposed.
// CHECK-LABEL: llvm.func @sum(
// CHECK-SAME:    %[[W:[a-z0-9]*]]: i32, %[[B:[a-z0-9]*]]: i64, %[[X:[a-z0-9]*]]: f32
// CHECK:         "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, 1, 1, 1, 1;",
// CHECK-SAME:      "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l"
// CHECK-SAME:      %[[X]], %[[X]], %[[X]], %[[X]], %[[W]], %[[W]], %[[W]], %[[W]], %[[B]]
// CHECK:         "wgmma.wait_group.sync.aligned 1;", "=f,=f,0,1"
llvm.func @sum(%w: i32, %b: i64, %x: f32) -> f32 {
  nvvm.wgmma.fence.aligned
  %r:4 = sparse_attn_nvvm.wgmma a(%w, %w, %w, %w), %b transposed to(%x, %x, %x, %x) of f16
      : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
  nvvm.wgmma.commit.group.sync.aligned
  nvvm.wgmma.commit.group.sync.aligned
  %done:2 = sparse_attn_nvvm.wgmma_wait 1 for %r#2, %r#3 : f32, f32
  llvm.return %done#0 : f32
}

// CHECK-LABEL: llvm.func @release(
// CHECK-SAME:    %[[BARRIER:.*]]: !llvm.ptr<3>
// CHECK:         nvvm.mbarrier.arrive %[[BARRIER]]
llvm.func @release(%barrier: !llvm.ptr<3>, %x: f32) {
  %done = sparse_attn_nvvm.wgmma_wait 0 for %x : f32
  sparse_attn_nvvm.release %barrier after %done : <3>
  llvm.return
}

// What has no intrinsic becomes PTX; what has one stays.
// CHECK-LABEL: llvm.func @of_nvvm(
// CHECK:         llvm.inline_asm {{.*}}mbarrier.try_wait.parity
// CHECK:         nvvm.barrier
// CHECK:         nvvm.cp.async.commit.group
llvm.func @of_nvvm(%barrier: !llvm.ptr<3>, %parity: i32) {
  nvvm.mbarrier.try_wait.parity %barrier, %parity, %parity : !llvm.ptr<3>, i32, i32
  nvvm.barrier
  nvvm.cp.async.commit.group
  llvm.return
}

// Positions are index values of 32 bits, and loops are blocks.
// CHECK-LABEL: llvm.func @scalars(
// CHECK-SAME:    %[[N:.*]]: i32
// CHECK:         llvm.icmp "slt" %{{.*}}, %[[N]] : i32
// CHECK:         llvm.cond_br
llvm.func @scalars(%n: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %sum = scf.for %i = %zero to %n step %one iter_args(%x = %zero) -> (i32) : i32 {
    %position = arith.index_cast %x : i32 to index
    %half = arith.constant 2 : index
    %rounded = arith.ceildivsi %position, %half : index
    %next = arith.index_cast %rounded : index to i32
    scf.yield %next : i32
  }
  llvm.return %sum : i32
}

}
