//===- Target.cpp - What a CPU offers to kernels --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Target.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/X86TargetParser.h"

namespace mlir::sparse_attn::cpu {

/// Features that the code generator may turn into instructions in a kernel. Others that a CPU brings (system and
/// cryptographic instructions) never appear in one, so the runtime need not look for them.
static constexpr StringRef kRelevantFeatures[] = {
    "avx",        "avx2",       "avx512bf16", "avx512bitalg", "avx512bw", "avx512cd",   "avx512dq",        "avx512f",
    "avx512fp16", "avx512ifma", "avx512vbmi", "avx512vbmi2",  "avx512vl", "avx512vnni", "avx512vpopcntdq", "avxvnni",
    "bmi",        "bmi2",       "f16c",       "fma",          "gfni",     "lzcnt",      "movbe",           "popcnt",
    "sse4.2",
};

FailureOr<std::vector<std::string>> getRequiredFeatures(const Level &level, std::string &message) {
  SmallVector<StringRef> known;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  if (!llvm::is_contained(known, level.cpu)) {
    message = "expects a CPU that LLVM knows, but got '" + level.cpu + "'";
    return failure();
  }
  SmallVector<StringRef> ofCPU;
  llvm::X86::getFeaturesForCPU(level.cpu, ofCPU);
  // LLVM names only what the others do not imply.
  llvm::StringMap<bool> features;
  auto enable = [&](StringRef feature, bool enabled) {
    features[feature] = enabled;
    llvm::X86::updateImpliedFeatures(feature, enabled, features);
  };
  for (StringRef feature : ofCPU)
    enable(feature, true);
  SmallVector<StringRef> extra;
  StringRef(level.features).split(extra, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : extra) {
    if (feature.consume_front("-"))
      enable(feature, false);
    else if (feature.consume_front("+"))
      enable(feature, true);
    else {
      message = "expects features to start with + or -, but got '" + feature.str() + "'";
      return failure();
    }
  }
  for (StringRef needed : {"avx2", "fma", "f16c"})
    if (!features.lookup(needed)) {
      message = "expects a CPU with avx2, fma and f16c, but '" + level.cpu + "' lacks " + needed.str();
      return failure();
    }
  std::vector<std::string> result;
  for (StringRef feature : kRelevantFeatures)
    if (features.lookup(feature))
      result.push_back(feature.str());
  return result;
}

/// Registers bound the tile of a product: rows * vectors accumulators, one row of vectors, one broadcast. AVX-512 has
/// 32 registers (16 + 4 + 1 used), AVX2 has 16 (8 + 4 + 1).
FailureOr<Target> getTarget(const Level &level, std::string &message) {
  FailureOr<std::vector<std::string>> features = getRequiredFeatures(level, message);
  if (failed(features))
    return failure();
  auto has = [&](StringRef feature) { return llvm::is_contained(*features, feature); };
  bool avx512 = has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl");
  Target target;
  if (avx512)
    target = {/*lanes=*/16, /*bf16Dot=*/has("avx512bf16"), /*tileRows=*/4, /*tileVectors=*/4};
  return target;
}

} // namespace mlir::sparse_attn::cpu
