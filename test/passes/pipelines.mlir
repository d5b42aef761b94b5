// RUN: sparse-attn-opt %s --sparse-attn-to-tiles | FileCheck %s --check-prefix=TILES
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles="tile-q=32 tile-k=16" | FileCheck %s --check-prefix=SIZES
// RUN: sparse-attn-opt %s --sparse-attn-to-cpu > %t.v4
// RUN: FileCheck %s --check-prefixes=LLVM,V4 < %t.v4
// RUN: sparse-attn-opt %s --sparse-attn-to-cpu=cpu=x86-64-v3 > %t.v3
// RUN: FileCheck %s --check-prefixes=LLVM,V3 < %t.v3
// RUN: sparse-attn-opt %s --sparse-attn-to-cpu="cpu=x86-64-v4 features=+avx512bf16 tile-q=32 tile-k=16" \
// RUN:   | FileCheck %s --check-prefix=LLVM

// The passes run in this order.
// RUN: sparse-attn-opt %s --sparse-attn-to-cpu --mlir-print-ir-before-all -o /dev/null 2>&1 | grep "IR Dump Before" \
// RUN:   | FileCheck %s --check-prefix=ORDER
// ORDER: SimplifyPatterns (sparse-attn-simplify-patterns)
// ORDER: FuseMerge (sparse-attn-fuse-merge)
// ORDER: SpecializeBlocks (sparse-attn-specialize-blocks)
// ORDER: FuseSoftmax (sparse-attn-fuse-softmax)
// ORDER: ConvertToCPU (sparse-attn-convert-to-cpu)

// All that is left is the LLVM dialect.
// RUN: cat %t.v4 %t.v3 | grep -oE "^ *(%%[^=]*= )?[a-z_]+[.]" | sed -E "s/.*[= ]//" | sort -u \
// RUN:   | FileCheck %s --check-prefix=DIALECTS
// DIALECTS-NOT: {{.}}
// DIALECTS:     llvm.
// DIALECTS-NOT: {{.}}

!t = tensor<1x2x?x16xf32>

// TILES-LABEL: sparse_attn.pattern @sliding
// TILES-NEXT:    sparse_attn.window left(511) right(0)
// TILES-LABEL: sparse_attn.schedule @sliding_64x64
// TILES-LABEL: sparse_attn.kernel @attention_0 of(@sliding) tile(64, 64)
// TILES-LABEL: func.func @attention
// TILES-NEXT:    sparse_attn.launch @attention_0

// SIZES-LABEL: sparse_attn.schedule @sliding_32x16
// SIZES-LABEL: sparse_attn.kernel @attention_0 of(@sliding) tile(32, 16)

// LLVM-NOT:   unrealized_conversion_cast
// LLVM-LABEL: llvm.func @attention_0_items(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// V4:           llvm.intr.{{fma|fmuladd}}({{.*}}) : (vector<16xf32>
// V3:           llvm.intr.{{fma|fmuladd}}({{.*}}) : (vector<8xf32>
// LLVM-LABEL: llvm.func @attention_0_work(
// LLVM-LABEL: llvm.func @attention_0_predicate(
// LLVM-LABEL: llvm.func @attention_0_tiles(
sparse_attn.pattern @sliding {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(511) right(511)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}
func.func @attention(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@sliding) : (!t, !t, !t) -> !t
  return %o : !t
}
