//===- FmaChains.cpp - Independent chains of fused multiply-adds ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FmaChains.h"

namespace sparse_attn::bench {

namespace {

constexpr int chains256 = 12;
constexpr int chains512 = 24;

/// Runs `steps` multiply-adds in each chain. The loop is assembly: the compiler can neither fold it nor spill its
/// registers. Values converge to 1, so no step is slowed by denormals or infinities.
void runChains256(int64_t steps) {
  const float half = 0.5f;
  asm volatile(".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15\n"
               "  vbroadcastss %[half], %%ymm\\c\n"
               ".endr\n"
               "1:\n"
               ".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
               "  vfmadd213ps %%ymm15, %%ymm14, %%ymm\\c\n"
               ".endr\n"
               "  sub $1, %[steps]\n"
               "  jnz 1b\n"
               "  vzeroupper\n"
               : [steps] "+r"(steps)
               : [half] "m"(half)
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm14", "xmm15");
}

__attribute__((target("avx512f"))) void runChains512(int64_t steps) {
  const float half = 0.5f;
  asm volatile(".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 30, 31\n"
               "  vbroadcastss %[half], %%zmm\\c\n"
               ".endr\n"
               "1:\n"
               ".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23\n"
               "  vfmadd213ps %%zmm31, %%zmm30, %%zmm\\c\n"
               ".endr\n"
               "  sub $1, %[steps]\n"
               "  jnz 1b\n"
               "  vzeroupper\n"
               : [steps] "+r"(steps)
               : [half] "m"(half)
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
                 "xmm23", "xmm30", "xmm31");
}

} // namespace

std::vector<FmaChains> hostFmaChains() {
  std::vector<FmaChains> found;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return found;
  found.push_back({256, chains256, runChains256});
  if (__builtin_cpu_supports("avx512f"))
    found.push_back({512, chains512, runChains512});
  return found;
}

} // namespace sparse_attn::bench
