// The rules for the order of asynchronous work (dialect/nvvm/KernelVerifier.h).
// RUN: sparse-attn-opt %s --pass-pipeline='builtin.module(gpu.module(sparse-attn-lower-nvvm))' -split-input-file -verify-diagnostics

gpu.module @kernel_k1 {
  llvm.func @kernel(%d: i64) {
    // expected-error @+1 {{expects a fence of registers (nvvm.wgmma.fence.aligned) before the first step of a product}}
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%d), %d of bf16 : () -> (f32, f32, f32, f32)
    llvm.return
  }
}

// -----

// The registers that the first product has filled are read, and then filled again.
gpu.module @kernel_k1_after_a_wait {
  llvm.func @kernel(%d: i64) {
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%d), %d of bf16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    %s:4 = sparse_attn_nvvm.wgmma_wait 0 for %r#0, %r#1, %r#2, %r#3 : f32, f32, f32, f32
    // expected-error @+1 {{expects a fence of registers}}
    %t:4 = sparse_attn_nvvm.wgmma descriptor(%d), %d to(%s#0, %s#1, %s#2, %s#3) of bf16 : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
    llvm.return
  }
}

// -----

gpu.module @kernel_k2 {
  llvm.func @kernel(%d: i64) {
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%d), %d of bf16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    // expected-error @+1 {{expects more commits since its product than the 1 groups that may stay pending, but got 1}}
    %s:4 = sparse_attn_nvvm.wgmma_wait 1 for %r#0, %r#1, %r#2, %r#3 : f32, f32, f32, f32
    llvm.return
  }
}

// -----

gpu.module @kernel_k2_other_block {
  llvm.func @kernel(%d: i64, %c: i1) {
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%d), %d of bf16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    scf.if %c {
      // expected-error @+1 {{expects to wait in the block of the product}}
      %s:4 = sparse_attn_nvvm.wgmma_wait 0 for %r#0, %r#1, %r#2, %r#3 : f32, f32, f32, f32
    }
    llvm.return
  }
}

// -----

gpu.module @kernel_k3 {
  llvm.func @kernel(%d: i64, %barrier: !llvm.ptr<3>, %first: i1) {
    nvvm.wgmma.fence.aligned
    %r:4 = sparse_attn_nvvm.wgmma descriptor(%d), %d of bf16 : () -> (f32, f32, f32, f32)
    nvvm.wgmma.commit.group.sync.aligned
    scf.if %first {
      // expected-error @+1 {{expects no product in flight; sparse_attn_nvvm.release says what it comes after}}
      nvvm.mbarrier.arrive %barrier : !llvm.ptr<3>
    }
    %s:4 = sparse_attn_nvvm.wgmma_wait 0 for %r#0, %r#1, %r#2, %r#3 : f32, f32, f32, f32
    llvm.return
  }
}

// -----

gpu.module @kernel_k4 {
  llvm.func @kernel(%map: !llvm.ptr, %shared: !llvm.ptr<3>, %word: i32) {
    llvm.store %word, %shared : i32, !llvm.ptr<3>
    nvvm.barrier
    // expected-error @+1 {{expects a fence (nvvm.fence.proxy) and then a barrier since the last store to shared memory}}
    nvvm.cp.async.bulk.tensor.global.shared.cta %map, %shared, box[%word, %word] : !llvm.ptr, !llvm.ptr<3>
    llvm.return
  }
}

// -----

gpu.module @kernel_k4_barrier_first {
  llvm.func @kernel(%map: !llvm.ptr, %shared: !llvm.ptr<3>, %word: i32) {
    llvm.store %word, %shared : i32, !llvm.ptr<3>
    nvvm.barrier
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    // expected-error @+1 {{expects a barrier since the last store to shared memory}}
    nvvm.cp.async.bulk.tensor.global.shared.cta %map, %shared, box[%word, %word] : !llvm.ptr, !llvm.ptr<3>
    llvm.return
  }
}
