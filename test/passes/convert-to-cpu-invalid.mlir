// RUN: not sparse-attn-opt %s --sparse-attn-convert-to-cpu=cpu=zx81 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not sparse-attn-opt %s --sparse-attn-convert-to-cpu=cpu=x86-64 2>&1 | FileCheck %s --check-prefix=LACKS
// RUN: not sparse-attn-opt %s --sparse-attn-convert-to-cpu="cpu=x86-64-v3 features=-fma" 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMOVED

// UNKNOWN: error: expects a CPU that LLVM knows, but got 'zx81'
// LACKS:   error: expects a CPU with avx2, fma and f16c, but 'x86-64' lacks avx2
// REMOVED: error: expects a CPU with avx2, fma and f16c, but 'x86-64-v3' lacks fma

// RUN: sparse-attn-opt %s --sparse-attn-convert-to-cpu -split-input-file -verify-diagnostics

!array = memref<1x1x?x16xf32, strided<[?, ?, ?, 1], offset: ?>>
// expected-error @+1 {{expects a pattern and a visit of a schedule}}
sparse_attn.kernel @no_pattern of(@nothing) tile(64, 64) scale(0.25) {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}
