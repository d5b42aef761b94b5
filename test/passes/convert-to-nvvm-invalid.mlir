// DEFINE: %{type} = f16
// DEFINE: %{head} = 64
// DEFINE: %{tiles} = sed -e s/HEAD/%{head}/ -e s/TYPE/%{type}/ %s | not sparse-attn-opt --sparse-attn-to-tiles
// DEFINE: %{check} = 2>&1 | FileCheck %s

// RUN: %{tiles} --sparse-attn-convert-to-nvvm=chip=sm_70 %{check} --check-prefix=CHIP
// RUN: %{tiles}=target=sm_70 %{check} --check-prefix=CHIP
// CHIP: error: expects {{a GPU among|target cpu,}} sm_80, sm_86, sm_89, sm_90a, but got 'sm_70'

// What the target cannot make is known before any schedule is.
// REDEFINE: %{type} = f32
// RUN: %{tiles}=target=sm_80 %{check} --check-prefix=TYPE80
// RUN: %{tiles}=target=sm_90a %{check} --check-prefix=TYPE90
// TYPE80: error: {{.*}} sm_80 expects arrays of f16 or bf16
// TYPE90: error: {{.*}} sm_90a expects arrays of f16 or bf16
// REDEFINE: %{type} = f16

// REDEFINE: %{head} = 24
// RUN: %{tiles}=target=sm_80 %{check} --check-prefix=HEAD24
// RUN: %{tiles}=target=sm_90a %{check} --check-prefix=HEAD24
// HEAD24: error: {{.*}} expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 24
// REDEFINE: %{head} = 272
// RUN: %{tiles}=target=sm_80 %{check} --check-prefix=HEAD272
// RUN: %{tiles}=target=sm_90a %{check} --check-prefix=HEAD272
// HEAD272: error: {{.*}} expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 272

// REDEFINE: %{head} = 64
// RUN: %{tiles}="target=sm_80 tile-q=24 tile-k=64" %{check} --check-prefix=Q24
// RUN: %{tiles}="target=sm_89 tile-q=64 tile-k=40" %{check} --check-prefix=K40
// RUN: %{tiles}="target=sm_90a tile-q=96 tile-k=64" %{check} --check-prefix=Q96
// RUN: %{tiles}="target=sm_90a tile-q=128 tile-k=272" %{check} --check-prefix=K272
// Q24: error: {{.*}} sm_80 expects a query tile that is a multiple of 16 in [16, 128]
// Q24-SAME: and a key tile that is a multiple of 16 in [16, 128], but got 24 and 64
// K40: error: {{.*}} sm_89 expects a query tile {{.*}} and a key tile {{.*}}, but got 64 and 40
// Q96: error: {{.*}} sm_90a expects a query tile that is a multiple of 64 in [64, {{[0-9]+}}]
// Q96-SAME: and a key tile that is a multiple of 16 in [16, 256], but got 96 and 64
// K272: error: {{.*}} sm_90a expects a query tile {{.*}} and a key tile {{.*}}, but got 128 and 272

// Shared memory decides on tiles of valid sizes: 128 + 2 * 128 rows of 512 bytes, and 2 KiB.
// REDEFINE: %{head} = 256
// RUN: %{tiles}="target=sm_80 tile-q=128 tile-k=128" %{check} --check-prefix=MEMORY80
// RUN: %{tiles}="target=sm_86 tile-q=128 tile-k=64" %{check} --check-prefix=MEMORY86
// RUN: %{tiles}="target=sm_90a tile-q=128 tile-k=128" %{check} --check-prefix=MEMORY90
// MEMORY80: error: {{.*}} sm_80 expects tiles that fit into 166912 bytes of shared memory, but got tiles of 128 queries
// MEMORY80-SAME: and 128 keys, which need 198656
// MEMORY86: error: {{.*}} sm_86 expects tiles that fit into 101376 bytes of shared memory, but got tiles of 128 queries
// MEMORY86-SAME: and 64 keys, which need
// MEMORY90: error: {{.*}} sm_90a expects tiles that fit into 232448 bytes of shared memory, but got tiles of 128 queries
// MEMORY90-SAME: and 128 keys, which need

// The pass itself says so too, where tile programs were made for something else.
// REDEFINE: %{head} = 64
// REDEFINE: %{type} = f32
// RUN: %{tiles} --sparse-attn-convert-to-nvvm=chip=sm_80 %{check} --check-prefix=TYPE80
// REDEFINE: %{type} = f16
// RUN: %{tiles}="target=sm_80 tile-q=16 tile-k=64" --sparse-attn-convert-to-nvvm=chip=sm_90a %{check} --check-prefix=Q16
// Q16: error: 'sparse_attn.kernel' op sm_90a expects a query tile {{.*}}, but got 16 and 64

!t = tensor<1x1x?xHEADxTYPE>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> !t
  return %o : !t
}
