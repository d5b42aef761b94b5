// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

func.func @wgmma_c1_none(%a: i64, %b: i64) {
  // expected-error @+1 {{expects a multiple of 4 results of at most 128, but got 0}}
  sparse_attn_nvvm.wgmma descriptor(%a), %b of f16 : () -> ()
  return
}

// -----

func.func @wgmma_c1_multiple(%a: i64, %b: i64) {
  // expected-error @+1 {{expects a multiple of 4 results of at most 128, but got 6}}
  %r:6 = sparse_attn_nvvm.wgmma descriptor(%a), %b of f16 : () -> (f32, f32, f32, f32, f32, f32)
  return
}

// -----

func.func @wgmma_c1_most(%a: i64, %b: i64) {
  // expected-error @+1 {{expects a multiple of 4 results of at most 128, but got 132}}
  %r:132 = sparse_attn_nvvm.wgmma descriptor(%a), %b of f16 : () -> (
      f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32,
      f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32,
      f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32,
      f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32,
      f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32,
      f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32
  )
  return
}

// -----

func.func @wgmma_c2(%a: i64, %b: i64, %x: f32) {
  // expected-error @+1 {{expects as many accumulators as results, but got 1 and 4}}
  %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %b to(%x) of f16 : (f32) -> (f32, f32, f32, f32)
  return
}

// -----

func.func @wgmma_c3_neither(%b: i64) {
  // expected-error @+1 {{expects either 4 words or a descriptor of A, but got 0 words and no descriptor}}
  %r:4 = sparse_attn_nvvm.wgmma , %b of f16 : () -> (f32, f32, f32, f32)
  return
}

// -----

func.func @wgmma_c3_both(%a: i64, %w: i32, %b: i64) {
  // expected-error @+1 {{expects either 4 words or a descriptor of A, but got 4 words and a descriptor}}
  %r:4 = sparse_attn_nvvm.wgmma a(%w, %w, %w, %w) descriptor(%a), %b of f16 : () -> (f32, f32, f32, f32)
  return
}

// -----

func.func @wgmma_c3_words(%w: i32, %b: i64) {
  // expected-error @+1 {{expects either 4 words or a descriptor of A, but got 2 words and no descriptor}}
  %r:4 = sparse_attn_nvvm.wgmma a(%w, %w), %b of f16 : () -> (f32, f32, f32, f32)
  return
}

// -----

func.func @wgmma_c4(%a: i64, %b: i64) -> f32 {
  // expected-error @+1 {{expects its results to be waited for before they are used by 'func.return'}}
  %r:4 = sparse_attn_nvvm.wgmma descriptor(%a), %b of f16 : () -> (f32, f32, f32, f32)
  return %r#0 : f32
}

// -----

func.func @wgmma_wait_results(%x: f32) {
  // expected-error @+1 {{failed to verify that all of {values, results} have same type}}
  "sparse_attn_nvvm.wgmma_wait"(%x) {pending = 0 : i64} : (f32) -> ()
  return
}

// -----

func.func @shared_memory_space() {
  // expected-error @+1 {{result #0 must be LLVM pointer in address space 3, but got '!llvm.ptr<1>'}}
  %shared = sparse_attn_nvvm.shared_memory : <1>
  return
}

// -----

func.func @exp2_type(%x: f64) {
  // expected-error @+1 {{operand #0 must be 32-bit float, but got 'f64'}}
  %y = "sparse_attn_nvvm.exp2"(%x) : (f64) -> f64
  return
}

// -----

func.func @log2_type(%x: f16) {
  // expected-error @+1 {{operand #0 must be 32-bit float, but got 'f16'}}
  %y = "sparse_attn_nvvm.log2"(%x) : (f16) -> f16
  return
}

// -----

func.func @release_c1(%barrier: !llvm.ptr<3>, %x: f32) {
  // expected-error @+1 {{expects a product that was waited for}}
  sparse_attn_nvvm.release %barrier after %x : <3>
  return
}

// -----

func.func @release_space(%barrier: !llvm.ptr<1>, %x: f32) {
  %done = sparse_attn_nvvm.wgmma_wait 0 for %x : f32
  // expected-error @+1 {{operand #0 must be LLVM pointer in address space 3, but got '!llvm.ptr<1>'}}
  sparse_attn_nvvm.release %barrier after %done : <1>
  return
}
