//===- CpuFeatures.cpp - Which variant of a kernel this CPU runs ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/CpuFeatures.h"

#include <algorithm>
#include <cpuid.h>
#include <cstdlib>

namespace sparse_attn {

namespace {

/// Registers that the operating system must save for a feature to be usable.
enum class State { Always, Avx, Avx512, Amx };

enum class Register { Eax, Ebx, Ecx, Edx };

/// Where CPUID reports a feature.
struct Feature {
  const char *name;
  uint32_t leaf;
  uint32_t subleaf;
  Register word;
  uint32_t bit;
  State state;
};

constexpr Feature knownFeatures[] = {
    {"cx8", 1, 0, Register::Edx, 8, State::Always},
    {"cmov", 1, 0, Register::Edx, 15, State::Always},
    {"mmx", 1, 0, Register::Edx, 23, State::Always},
    {"fxsr", 1, 0, Register::Edx, 24, State::Always},
    {"sse", 1, 0, Register::Edx, 25, State::Always},
    {"sse2", 1, 0, Register::Edx, 26, State::Always},
    {"sse3", 1, 0, Register::Ecx, 0, State::Always},
    {"pclmul", 1, 0, Register::Ecx, 1, State::Always},
    {"ssse3", 1, 0, Register::Ecx, 9, State::Always},
    {"fma", 1, 0, Register::Ecx, 12, State::Avx},
    {"cx16", 1, 0, Register::Ecx, 13, State::Always},
    {"sse4.1", 1, 0, Register::Ecx, 19, State::Always},
    {"sse4.2", 1, 0, Register::Ecx, 20, State::Always},
    {"crc32", 1, 0, Register::Ecx, 20, State::Always},
    {"movbe", 1, 0, Register::Ecx, 22, State::Always},
    {"popcnt", 1, 0, Register::Ecx, 23, State::Always},
    {"aes", 1, 0, Register::Ecx, 25, State::Always},
    // LLVM's xsave means that programs may use it: OSXSAVE.
    {"xsave", 1, 0, Register::Ecx, 27, State::Always},
    {"avx", 1, 0, Register::Ecx, 28, State::Avx},
    {"f16c", 1, 0, Register::Ecx, 29, State::Avx},
    {"rdrnd", 1, 0, Register::Ecx, 30, State::Always},
    {"fsgsbase", 7, 0, Register::Ebx, 0, State::Always},
    {"bmi", 7, 0, Register::Ebx, 3, State::Always},
    {"avx2", 7, 0, Register::Ebx, 5, State::Avx},
    {"bmi2", 7, 0, Register::Ebx, 8, State::Always},
    {"avx512f", 7, 0, Register::Ebx, 16, State::Avx512},
    {"avx512dq", 7, 0, Register::Ebx, 17, State::Avx512},
    {"rdseed", 7, 0, Register::Ebx, 18, State::Always},
    {"adx", 7, 0, Register::Ebx, 19, State::Always},
    {"avx512ifma", 7, 0, Register::Ebx, 21, State::Avx512},
    {"clflushopt", 7, 0, Register::Ebx, 23, State::Always},
    {"clwb", 7, 0, Register::Ebx, 24, State::Always},
    {"avx512cd", 7, 0, Register::Ebx, 28, State::Avx512},
    {"sha", 7, 0, Register::Ebx, 29, State::Always},
    {"avx512bw", 7, 0, Register::Ebx, 30, State::Avx512},
    {"avx512vl", 7, 0, Register::Ebx, 31, State::Avx512},
    {"avx512vbmi", 7, 0, Register::Ecx, 1, State::Avx512},
    {"avx512vbmi2", 7, 0, Register::Ecx, 6, State::Avx512},
    {"gfni", 7, 0, Register::Ecx, 8, State::Always},
    {"vaes", 7, 0, Register::Ecx, 9, State::Avx},
    {"vpclmulqdq", 7, 0, Register::Ecx, 10, State::Avx},
    {"avx512vnni", 7, 0, Register::Ecx, 11, State::Avx512},
    {"avx512bitalg", 7, 0, Register::Ecx, 12, State::Avx512},
    {"avx512vpopcntdq", 7, 0, Register::Ecx, 14, State::Avx512},
    {"avx512vp2intersect", 7, 0, Register::Edx, 8, State::Avx512},
    {"amx-bf16", 7, 0, Register::Edx, 22, State::Amx},
    {"avx512fp16", 7, 0, Register::Edx, 23, State::Avx512},
    {"amx-tile", 7, 0, Register::Edx, 24, State::Amx},
    {"amx-int8", 7, 0, Register::Edx, 25, State::Amx},
    {"avxvnni", 7, 1, Register::Eax, 4, State::Avx},
    {"avx512bf16", 7, 1, Register::Eax, 5, State::Avx512},
    {"amx-fp16", 7, 1, Register::Eax, 21, State::Amx},
    {"avxifma", 7, 1, Register::Eax, 23, State::Avx},
    {"avxvnniint8", 7, 1, Register::Edx, 4, State::Avx},
    {"avxneconvert", 7, 1, Register::Edx, 5, State::Avx},
    {"avxvnniint16", 7, 1, Register::Edx, 10, State::Avx},
    {"xsaveopt", 13, 1, Register::Eax, 0, State::Always},
    {"xsavec", 13, 1, Register::Eax, 1, State::Always},
    {"sahf", 0x80000001u, 0, Register::Ecx, 0, State::Always},
    {"lzcnt", 0x80000001u, 0, Register::Ecx, 5, State::Always},
    {"sse4a", 0x80000001u, 0, Register::Ecx, 6, State::Always},
    {"prfchw", 0x80000001u, 0, Register::Ecx, 8, State::Always},
};

/// One register of one leaf; 0 where the CPU has no such leaf.
uint32_t cpuid(uint32_t leaf, uint32_t subleaf, Register word) {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx))
    return 0;
  switch (word) {
  case Register::Eax:
    return eax;
  case Register::Ebx:
    return ebx;
  case Register::Ecx:
    return ecx;
  case Register::Edx:
    return edx;
  }
  return 0;
}

/// XCR0: the register states that the operating system saves; 0 where it saves none.
uint64_t savedStates() {
  constexpr uint32_t osxsave = 1u << 27;
  if ((cpuid(1, 0, Register::Ecx) & osxsave) == 0)
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

bool isSaved(State state, uint64_t saved) {
  auto has = [saved](uint64_t bits) { return (saved & bits) == bits; };
  constexpr uint64_t avx = 0x6;           // XMM, upper halves of YMM
  constexpr uint64_t avx512 = 0xe0 | avx; // mask registers, upper halves of ZMM 0-15, ZMM 16-31
  constexpr uint64_t amx = 0x60000;       // tile configuration, tiles
  switch (state) {
  case State::Always:
    return true;
  case State::Avx:
    return has(avx);
  case State::Avx512:
    return has(avx512);
  case State::Amx:
    return has(amx);
  }
  return false;
}

CpuFeatures detect() {
  CpuFeatures features;
  uint64_t saved = savedStates();
  for (const Feature &feature : knownFeatures)
    if ((cpuid(feature.leaf, feature.subleaf, feature.word) >> feature.bit & 1) != 0 && isSaved(feature.state, saved))
      features.insert(feature.name);
  return features;
}

/// The first feature of the variant that is missing, or null.
const std::string *firstMissing(const Variant &variant, const CpuFeatures &features) {
  for (const std::string &feature : variant.features)
    if (features.count(feature) == 0)
      return &feature;
  return nullptr;
}

Status missingFeature(const KernelInfo &kernel, const Variant &variant, const CpuFeatures &features) {
  return makeError(StatusCode::Unsupported, "kernel '", kernel.name, "' (", variant.level,
                   "): expects a CPU with feature ", *firstMissing(variant, features), ", but got one without it");
}

Status unknownLevel(const KernelInfo &kernel, const std::string &level) {
  std::string levels;
  for (const Variant &variant : kernel.variants)
    levels += (levels.empty() ? "" : ", ") + variant.level;
  return makeError(StatusCode::InvalidArgument, "kernel '", kernel.name, "': expects a CPU level among ", levels,
                   ", but got '", level, "'");
}

} // namespace

const CpuFeatures &hostCpuFeatures() {
  static const CpuFeatures features = detect();
  return features;
}

Result<const Variant *> selectVariant(const KernelInfo &kernel, const CpuFeatures &features, const std::string &level) {
  const Variant *candidate = nullptr;
  for (const Variant &variant : kernel.variants) {
    if (!level.empty() && variant.level != level)
      continue;
    if (!firstMissing(variant, features))
      return &variant;
    candidate = &variant;
  }
  return candidate ? missingFeature(kernel, *candidate, features) : unknownLevel(kernel, level);
}

Result<const Variant *> selectVariant(const KernelInfo &kernel, const CpuFeatures &features) {
  // A kernel for a GPU has its host entries once.
  const char *level = kernel.isForGpu() ? nullptr : std::getenv("SPARSE_ATTN_CPU_LEVEL");
  return selectVariant(kernel, features, level ? level : "");
}

} // namespace sparse_attn
