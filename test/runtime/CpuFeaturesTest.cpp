//===- CpuFeaturesTest.cpp - Choice of a variant --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/CpuFeatures.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

using namespace sparse_attn;

namespace {

KernelInfo threeLevels() {
  KernelInfo kernel;
  kernel.name = "k";
  kernel.variants.resize(3);
  kernel.variants[0].level = "x86-64-v4-bf16";
  kernel.variants[0].features = {"avx512f", "avx512bf16"};
  kernel.variants[1].level = "x86-64-v4";
  kernel.variants[1].features = {"avx512f"};
  kernel.variants[2].level = "x86-64-v3";
  kernel.variants[2].features = {"avx2", "fma"};
  return kernel;
}

TEST(CpuFeatures, TakesTheFirstVariantThatRuns) {
  KernelInfo kernel = threeLevels();
  auto level = [&](const CpuFeatures &features) { return (*selectVariant(kernel, features, ""))->level; };
  EXPECT_EQ(level({"avx2", "fma", "avx512f", "avx512bf16"}), "x86-64-v4-bf16");
  EXPECT_EQ(level({"avx2", "fma", "avx512f"}), "x86-64-v4");
  EXPECT_EQ(level({"avx2", "fma", "avx512bf16"}), "x86-64-v3");
}

TEST(CpuFeatures, MissingFeatureOfTheLeastVariantIsNamed) {
  Result<const Variant *> variant = selectVariant(threeLevels(), {"avx2"}, "");
  EXPECT_EQ(variant.status().code(), StatusCode::Unsupported);
  EXPECT_EQ(variant.status().message(),
            "kernel 'k' (x86-64-v3): expects a CPU with feature fma, but got one without it");
}

TEST(CpuFeatures, LevelCanBeForced) {
  KernelInfo kernel = threeLevels();
  CpuFeatures features = {"avx2", "fma", "avx512f"};
  EXPECT_EQ((*selectVariant(kernel, features, "x86-64-v3"))->level, "x86-64-v3");
  EXPECT_EQ(selectVariant(kernel, features, "x86-64-v4-bf16").status().message(),
            "kernel 'k' (x86-64-v4-bf16): expects a CPU with feature avx512bf16, but got one without it");
  EXPECT_EQ(selectVariant(kernel, features, "v2").status().message(),
            "kernel 'k': expects a CPU level among x86-64-v4-bf16, x86-64-v4, x86-64-v3, but got 'v2'");
  setenv("SPARSE_ATTN_CPU_LEVEL", "x86-64-v3", 1);
  EXPECT_EQ((*selectVariant(kernel, features))->level, "x86-64-v3");
  unsetenv("SPARSE_ATTN_CPU_LEVEL");
  EXPECT_EQ((*selectVariant(kernel, features))->level, "x86-64-v4");
}

TEST(CpuFeatures, AgreeWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0)
    ;
  if (line.empty())
    GTEST_SKIP() << "no flags in /proc/cpuinfo";
  std::set<std::string> flags;
  std::istringstream words(line.substr(line.find(':') + 1));
  for (std::string word; words >> word;)
    flags.insert(word);
  const std::map<std::string, std::string> names = {{"sse4.2", "sse4_2"},
                                                    {"lzcnt", "abm"},
                                                    {"bmi", "bmi1"},
                                                    {"sha", "sha_ni"},
                                                    {"pclmul", "pclmulqdq"},
                                                    {"avxvnni", "avx_vnni"},
                                                    {"amx-tile", "amx_tile"},
                                                    {"amx-bf16", "amx_bf16"},
                                                    {"amx-int8", "amx_int8"},
                                                    {"avx512vnni", "avx512_vnni"},
                                                    {"avx512bf16", "avx512_bf16"},
                                                    {"avx512fp16", "avx512_fp16"},
                                                    {"avx512vbmi2", "avx512_vbmi2"},
                                                    {"avx512bitalg", "avx512_bitalg"},
                                                    {"avx512vpopcntdq", "avx512_vpopcntdq"}};
  for (const char *feature :
       {"sse2",       "sse4.2",     "popcnt",      "lzcnt",      "movbe",        "f16c",
        "fma",        "bmi",        "bmi2",        "avx",        "avx2",         "avx512f",
        "avx512bw",   "avx512cd",   "avx512dq",    "avx512vl",   "avx512bf16",   "avx512fp16",
        "avx512vnni", "avx512vbmi", "avx512vbmi2", "avx512ifma", "avx512bitalg", "avx512vpopcntdq",
        "avxvnni",    "gfni",       "vaes",        "vpclmulqdq", "sha",          "aes",
        "pclmul",     "adx",        "amx-tile",    "amx-bf16",   "amx-int8"}) {
    auto other = names.find(feature);
    bool expected = flags.count(other == names.end() ? feature : other->second) != 0;
    EXPECT_EQ(hostCpuFeatures().count(feature) != 0, expected) << feature;
  }
}

} // namespace
