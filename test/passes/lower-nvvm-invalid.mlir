// RUN: sparse-attn-opt %s --pass-pipeline="builtin.module(gpu.module(sparse-attn-lower-nvvm))" -split-input-file -verify-diagnostics
// RUN: sparse-attn-opt %s --pass-pipeline="builtin.module(gpu.module(sparse-attn-nvvm-to-simulator))" -split-input-file -verify-diagnostics

gpu.module @device {
  llvm.func @kernel_k1_none(%block: !llvm.ptr) {
    %a = llvm.mlir.constant(0 : i64) : i64
    // expected-error @+1 {{expects a fence of registers (nvvm.wgmma.fence.aligned) before the first step of a product}}
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %a of f16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    llvm.return
  }
}

// -----

gpu.module @device {
  llvm.func @kernel_k1_wait_between(%block: !llvm.ptr) {
    %a = llvm.mlir.constant(0 : i64) : i64
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %a of f16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    %x:4 = sparse_attn_nvvm.wgmma_wait 0 for %r#0, %r#1, %r#2, %r#3 : f32, f32, f32, f32
    // expected-error @+1 {{expects a fence of registers (nvvm.wgmma.fence.aligned) before the first step of a product}}
    %s:4 = sparse_attn_nvvm.wgmma descriptor(%a), %a to(%x#0, %x#1, %x#2, %x#3) of f16
        : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
    llvm.return
  }
}

// -----

gpu.module @device {
  llvm.func @kernel_k2_commits(%block: !llvm.ptr) {
    %a = llvm.mlir.constant(0 : i64) : i64
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %a of f16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    // expected-error @+1 {{expects more commits since its product than the 1 groups that may stay pending, but got 1}}
    %x = sparse_attn_nvvm.wgmma_wait 1 for %r#0 : f32
    llvm.return
  }
}

// -----

gpu.module @device {
  llvm.func @kernel_k2_block(%block: !llvm.ptr) {
    %a = llvm.mlir.constant(0 : i64) : i64
    %true = llvm.mlir.constant(true) : i1
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %a of f16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    scf.if %true {
      // expected-error @+1 {{expects to wait in the block of the product}}
      %x = sparse_attn_nvvm.wgmma_wait 0 for %r#0 : f32
    }
    llvm.return
  }
}

// -----

gpu.module @device {
  llvm.func @kernel_k3(%block: !llvm.ptr) {
    %a = llvm.mlir.constant(0 : i64) : i64
    %true = llvm.mlir.constant(true) : i1
    %barrier = sparse_attn_nvvm.shared_memory : <3>
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %a of f16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    scf.if %true {
      // expected-error @+1 {{expects no product in flight; sparse_attn_nvvm.release says what it comes after}}
      nvvm.mbarrier.arrive %barrier : !llvm.ptr<3>
    }
    %x = sparse_attn_nvvm.wgmma_wait 0 for %r#0 : f32
    llvm.return
  }
}

// -----

gpu.module @device {
  llvm.func @kernel_k4_fence(%maps: !llvm.ptr, %block: !llvm.ptr) {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %tile = sparse_attn_nvvm.shared_memory : <3>
    llvm.store %zero, %tile : i32, !llvm.ptr<3>
    nvvm.barrier
    // expected-error @+1 {{expects a fence (nvvm.fence.proxy) and then a barrier since the last store to shared memory}}
    nvvm.cp.async.bulk.tensor.global.shared.cta %maps, %tile, box[%zero, %zero, %zero, %zero] : !llvm.ptr, <3>
    llvm.return
  }
}

// -----

gpu.module @device {
  llvm.func @kernel_k4_barrier(%maps: !llvm.ptr, %block: !llvm.ptr) {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %tile = sparse_attn_nvvm.shared_memory : <3>
    llvm.store %zero, %tile : i32, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    // expected-error @+1 {{expects a barrier since the last store to shared memory}}
    nvvm.cp.async.bulk.tensor.global.shared.cta %maps, %tile, box[%zero, %zero, %zero, %zero] : !llvm.ptr, <3>
    llvm.return
  }
}
