//===- ManifestTest.cpp - Untrusted manifests -----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include <cstring>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

std::string textOf(const sparse_attn_image &image) {
  return std::string(static_cast<const char *>(image.manifest) + 16, image.manifest_bytes - 16);
}
std::string goodText() { return textOf(handwritten_sparse_attn_image); }
std::string goodGpuText() { return textOf(handwritten_gpu_sparse_attn_image); }

std::string makeSection(const std::string &text, uint32_t version = 2) {
  std::string section = "SPRSATTN";
  uint32_t words[] = {version, static_cast<uint32_t>(text.size())};
  section.append(reinterpret_cast<const char *>(words), sizeof(words));
  return section + text;
}

/// Parses a copy of exactly that size, so that a sanitizer sees reads past its end.
Result<Manifest> parse(const std::string &section) {
  std::unique_ptr<char[]> copy(new char[section.size()]);
  std::memcpy(copy.get(), section.data(), section.size());
  return parseManifest(copy.get(), section.size());
}

/// A manifest with the first `from` behind `anchor` replaced.
std::string changedText(std::string text, const std::string &anchor, const std::string &from, const std::string &to) {
  size_t start = text.find(anchor);
  EXPECT_NE(start, std::string::npos) << anchor;
  size_t at = text.find(from, start);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The good manifest likewise, and that for a GPU.
std::string changed(const std::string &anchor, const std::string &from, const std::string &to) {
  return changedText(goodText(), anchor, from, to);
}
std::string changedGpu(const std::string &anchor, const std::string &from, const std::string &to) {
  return changedText(goodGpuText(), anchor, from, to);
}

TEST(Manifest, IsReadWhole) {
  Result<Manifest> manifest = parse(makeSection(goodText()));
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  EXPECT_EQ(manifest->module, "handwritten");
  ASSERT_EQ(manifest->functions.size(), 8u);
  const FunctionInfo *function = manifest->findFunction("two_steps");
  ASSERT_TRUE(function);
  EXPECT_EQ(manifest->findFunction("none"), nullptr);
  ASSERT_EQ(function->steps.size(), 2u);
  EXPECT_EQ(function->steps[1].query.kind, Operand::Kind::Buffer);
  EXPECT_EQ(function->steps[1].query.index, 1u);
  EXPECT_FALSE(function->steps[1].lse);
  EXPECT_EQ(function->arguments[4].kind, ArgumentKind::Scalar);
  EXPECT_EQ(function->arguments[5].array.dtype, DType::I32);
  EXPECT_EQ(function->results[0].shape, (Shape{4, {-1, -1, -1, 16}}));
  const KernelInfo &packed = manifest->kernels[2];
  EXPECT_EQ(packed.schedule, KernelInfo::Schedule::Listed);
  EXPECT_TRUE(packed.captures[0].pyramid);
  EXPECT_EQ(packed.captures[0].rank, 2);
  EXPECT_TRUE(packed.dependsOnBatch);
  EXPECT_FALSE(packed.dependsOnHead);
  EXPECT_EQ(packed.variants[0].tileK, 64);
  EXPECT_EQ(packed.variants[0].entries.plan, 9u);
  EXPECT_FALSE(packed.variants[0].entries.tiles);
  EXPECT_EQ(manifest->kernels[0].variants[1].entries.tiles, 10u);
  EXPECT_EQ(packed.scale, 0.25);
  EXPECT_FALSE(packed.captures[0].ofScores);
  EXPECT_FALSE(packed.variants[0].entries.score);
  const KernelInfo &biased = manifest->kernels.back();
  EXPECT_FALSE(biased.captures[0].ofScores);
  EXPECT_TRUE(biased.captures[1].ofScores);
  EXPECT_EQ(biased.captures[1].rank, 3);
  EXPECT_EQ(biased.captures[1].dtype, DType::F32);
  EXPECT_EQ(biased.variants[0].entries.score, 22u);
}

TEST(Manifest, ExampleOfTheDocumentParses) {
  const char *text = R"({"module": "longformer", "target": "cpu", "compiler": "0.1.0",
    "functions": [{"name": "attention",
      "arguments": [
        {"name": "q", "kind": "array", "dtype": "f32", "shape": [-1, 8, -1, 64]},
        {"name": "k", "kind": "array", "dtype": "f32", "shape": [-1, 8, -1, 64]},
        {"name": "v", "kind": "array", "dtype": "f32", "shape": [-1, 8, -1, 64]},
        {"name": "ids", "kind": "array", "dtype": "i32", "shape": [-1]},
        {"name": "width", "kind": "scalar"}],
      "results": [{"dtype": "f32", "shape": [-1, 8, -1, 64]}, {"dtype": "f32", "shape": [-1, 8, -1]}],
      "buffers": [],
      "steps": [{"kernels": ["attention_0"],
                 "query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2},
                 "captures": [{"argument": 3}, {"argument": 4}],
                 "output": {"result": 0}, "lse": {"result": 1}}]}],
    "kernels": [{
      "name": "attention_0", "pattern": "packed", "dtype": "f32", "head_size": 64, "scale": 0.125, "lse": true,
      "captures": [{"kind": "array", "dtype": "i32", "rank": 1, "pyramid": true}, {"kind": "scalar"}],
      "schedule": "ranges",
      "depends_on": {"batch": false, "head": false},
      "variants": [{
        "level": "x86-64-v4", "features": ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
        "tile_q": 64, "tile_k": 64, "scratch_bytes": 65536,
        "costs": {"item": 49152, "partial": 393216, "full": 327680},
        "entries": {"items": 0, "work": 1, "predicate": 2, "tiles": 3, "plan": 4}}]}]})";
  Result<Manifest> manifest = parse(makeSection(text));
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  EXPECT_EQ(manifest->kernels[0].variants[0].costs.partial, 393216);
  std::string negative = text;
  negative.replace(negative.find("393216"), 6, "-1");
  EXPECT_EQ(parse(makeSection(negative)).status().message(),
            "manifest.kernels[0].variants[0].costs.partial: expects a number from 0 to 1e+30, but got -1");
}

TEST(Manifest, HeaderIsChecked) {
  std::string good = makeSection(goodText());
  EXPECT_EQ(parse(makeSection(goodText(), 1)).status().code(), StatusCode::VersionMismatch);
  EXPECT_EQ(parse(makeSection(goodText(), 1)).status().message(), "expects artifact format version 2, but got 1");
  EXPECT_EQ(parse("").status().message(), "expects a manifest of at least 16 bytes, but got 0");
  EXPECT_EQ(parse("SPRSATTM" + good.substr(8)).status().message(),
            "expects a manifest that starts with SPRSATTN, but got other bytes");
  EXPECT_EQ(parseManifest(nullptr, 100).status().code(), StatusCode::InvalidArgument);
  for (size_t length = 0; length < good.size(); length += length < 40 ? 1 : 97)
    EXPECT_EQ(parse(good.substr(0, length)).status().code(), StatusCode::InvalidArgument) << length;
  // Bytes after the text do not count.
  EXPECT_TRUE(parse(good + std::string(7, '\0')).isOk());
}

TEST(Manifest, ErrorsNameTheKey) {
  struct Case {
    std::string text;
    const char *message;
  };
  const std::string packed = "\"name\": \"packed_0\"", twoSteps = "\"two_steps\"", biased = "\"name\": \"biased_0\"";
  const Case cases[] = {
      {"[]", "manifest: expects an object, but got array"},
      {"{", "expects a manifest in JSON, but got text that does not parse"},
      {"{\"module\": \"\xff\"}", "expects a manifest in JSON, but got text that does not parse"},
      {"{}", "manifest.module: expects a value, but got none"},
      {changed("", "\"handwritten\"", "7"), "manifest.module: expects a string, but got number"},
      {changed("", "\"handwritten\"", "\"a-b\""), "manifest.module: expects a C identifier, but got 'a-b'"},
      {changed("", "\"handwritten\"", "\"\""), "manifest.module: expects a C identifier, but got ''"},
      {changed("", "\"cpu\"", "\"tpu\""), "manifest.target: expects cpu or a GPU such as sm_80, but got 'tpu'"},
      {changed("\"window\"", "\"kind\": \"array\"", "\"kind\": \"list\""),
       "manifest.functions[0].arguments[0].kind: expects array, scalar or mask, but got 'list'"},
      {changed("\"window\"", "\"f32\"", "\"f64\""),
       "manifest.functions[0].arguments[0].dtype: expects f32, f16, bf16, i32 or i64, but got 'f64'"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[-1, -2, -1, 16]"),
       "manifest.functions[0].arguments[0].shape[1]: expects an integer from -1 to 9223372036854775807, but got -2"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[-1, -1, -1, 99999999999999999999]"), "but got number"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[-1, -1, -1, 18446744073709551615]"), "but got 18446744073709551615"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[]"), "shape: expects 1 to 4 sizes, but got 0"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[1,1,1,1,1]"), "shape: expects 1 to 4 sizes, but got 5"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[-1, -1, 16]"),
       "manifest.functions[0].steps[0].query: expects an array of rank 4, but got 3"},
      {changed("\"window\"", "[-1, -1, -1, 16]", "[-1, -1, -1, 32]"),
       "manifest.functions[0].steps[0].query: expects head size 16, but got 32"},
      {changed("\"window\"", "\"f32\"", "\"bf16\""),
       "manifest.functions[0].steps[0].query: expects an array of f32, but got bf16"},
      {changed("\"window\"", "\"argument\": 0", "\"argument\": 5"),
       "manifest.functions[0].steps[0].query.argument: expects an index below 5, but got 5"},
      {changed("\"window\"", "\"argument\": 0", "\"argument\": 3"),
       "manifest.functions[0].steps[0].query: expects an array, but got scalar argument 3"},
      {changed("\"window\"", "\"argument\": 0", "\"argument\": 0.5"), "expects an integer, but got number"},
      {changed("\"window\"", "\"argument\": 0", "\"result\": 0"),
       "query: expects an array that an earlier step writes, but got number 0"},
      {changed("\"window\"", "{\"argument\": 0}", "{}"),
       "query: expects an argument, a result or a buffer, but got none of these keys"},
      {changed("\"window\"", "{\"result\": 0}", "{\"argument\": 0}"),
       "output: expects a result or a buffer, but got argument 0"},
      {changed("\"window\"", "{\"result\": 1}", "{\"result\": 0}"),
       "lse: expects an array that no other step writes, but got number 0"},
      {changed("\"window\"", ", \"lse\": {\"result\": 1}", ""),
       "steps[0]: expects a lse, as kernel 'window_0' has, but got none"},
      {changed("\"window\"", "window_0", "window_9"),
       "steps[0].kernels[0]: expects the name of a kernel, but got 'window_9'"},
      {changed("\"window\"", "[\"window_0\"]", "[]"), "steps[0].kernels: expects at least 1 kernel, but got 0"},
      {changed("\"window\"", "[\"window_0\"]", "[\"window_0\", \"packed_0\"]"),
       "steps[0].kernels[1]: expects a kernel that differs from 'window_0' in its tiles alone, but got 'packed_0'"},
      {changed("\"window\"", "{\"argument\": 3}, ", ""), "captures: expects 2 captures, but got 1"},
      {changed("\"window\"", "{\"argument\": 3}", "{\"argument\": 2}"),
       "captures[0]: expects a scalar, but got argument 'v'"},
      {changed(twoSteps, "{\"buffer\": 1}, \"lse\"", "{\"result\": 0}, \"lse\""),
       "manifest.functions[3].steps[1].query: expects an array that an earlier step writes, but got number 1"},
      {changed("\"packed\"", "\"name\": \"two_steps\"", "\"name\": \"packed\""),
       "manifest.functions[3]: expects a name of its own, but got 'packed' again"},
      {changed(packed, "\"packed_0\"", "\"window_0\""),
       "manifest.kernels[2]: expects a name of its own, but got 'window_0' again"},
      {changed(packed, "\"dtype\": \"f32\"", "\"dtype\": \"i32\""),
       "manifest.kernels[2].dtype: expects f32, f16 or bf16, but got 'i32'"},
      {changed(packed, "\"head_size\": 16", "\"head_size\": 0"),
       "manifest.kernels[2].head_size: expects an integer from 1 to 65536, but got 0"},
      {changed(packed, "\"scale\": 0.25", "\"scale\": \"0.25\""),
       "manifest.kernels[2].scale: expects a number, but got string"},
      {changed(packed, "\"lse\": false", "\"lse\": 0"),
       "manifest.kernels[2].lse: expects true or false, but got number"},
      {changed(packed, "\"rank\": 2", "\"rank\": 4"),
       "manifest.kernels[2].captures[0].rank: expects an integer from 1 to 3, but got 4"},
      {changed(biased, "\"rank\": 3", "\"rank\": 5"),
       "manifest.kernels[6].captures[1].rank: expects an integer from 1 to 4, but got 5"},
      {changed(biased, "\"scores\"", "\"values\""),
       "manifest.kernels[6].captures[1].of: expects an array of the pattern, or of scores, but got 'values'"},
      {changed(biased, "\"of\": \"scores\"", "\"of\": 3"),
       "manifest.kernels[6].captures[1].of: expects a string, but got number"},
      {changed(packed, "\"rank\": 2", "\"rank\": 2, \"of\": \"scores\""),
       "manifest.kernels[2].captures[0]: expects a pyramid of an array of the pattern only, but got one of scores"},
      {changed(biased, "\"of\": \"scores\"", "\"of\": \"scores\", \"per\": \"batch\""),
       "manifest.kernels[6].captures[1].per: expects an array of rank 1 per batch, but got one of rank 3 per 'batch'"},
      {changed(biased, "\"score\": 22", "\"score\": -1"), "entries.score: expects an integer from 0"},
      {changed(biased, ", \"score\": 22", ""),
       "manifest.kernels[6].variants[0].entries.score: expects a value, but got none"},
      {changed(packed, "\"i32\"", "\"f32\""),
       "manifest.kernels[2].captures[0]: expects a pyramid of an i32 array only, but got f32"},
      {changed(packed, "\"i32\", \"rank\": 2, \"pyramid\": true", "\"f32\", \"rank\": 2, \"sorted\": true"),
       "manifest.kernels[2].captures[0]: expects sorted elements of an i32 array only, but got f32"},
      {changed(packed, "\"rank\": 2", "\"rank\": 2, \"form\": \"list\""),
       "manifest.kernels[2].captures[0].form: expects elements, tree or bits, but got 'list'"},
      {changed(packed, "\"rank\": 2", "\"rank\": 2, \"form\": \"bits\""),
       "manifest.kernels[2].captures[0]: expects a pyramid of the elements of an array of rank 1 or 2 only, but got "
       "rank 2 "
       "and bits"},
      {changed(packed, "\"rank\": 2", "\"rank\": 2, \"per\": \"batch\""),
       "manifest.kernels[2].captures[0].per: expects an array of rank 1 per batch, but got one of rank 2 per 'batch'"},
      {changed(packed, "\"rank\": 2", "\"rank\": 1, \"per\": \"head\""),
       "manifest.kernels[2].captures[0].per: expects an array of rank 1 per batch, but got one of rank 1 per 'head'"},
      {changed(packed, "\"listed\"", "\"list\""),
       "manifest.kernels[2].schedule: expects ranges or listed, but got 'list'"},
      {changed(packed, "\"batch\": true, ", ""), "manifest.kernels[2].depends_on.batch: expects a value, but got none"},
      {changed(packed, "\"tile_q\": 8", "\"tile_q\": 0"),
       "manifest.kernels[2].variants[0].tile_q: expects an integer from 1 to 1048576, but got 0"},
      {changed(packed, "\"tile_k\": 64", "\"tile_k\": -64"), "manifest.kernels[2].variants[0].tile_k: expects"},
      {changed(packed, "\"scratch_bytes\": 16384", "\"scratch_bytes\": -1"), "scratch_bytes: expects an integer"},
      {changed(packed, ", \"plan\": 9", ""),
       "manifest.kernels[2].variants[0].entries.plan: expects a value, but got none"},
      {changed(packed, "\"plan\": 9", "\"plan\": 9, \"tiles\": -1"), "entries.tiles: expects an integer from 0"},
      {changed(packed, "\"items\": 6", "\"items\": -6"), "entries.items: expects an integer from 0"},
      {changed(packed, "\"features\": []", "\"features\": [1]"),
       "manifest.kernels[2].variants[0].features[0]: expects a string, but got number"},
  };
  for (const Case &each : cases) {
    Status status = parse(makeSection(each.text)).status();
    EXPECT_FALSE(status.isOk()) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

/// A function of weights, and of their sums.
const char *const weightsText = R"({"module": "weights", "target": "cpu", "compiler": "0.1.0",
    "functions": [{"name": "both",
      "arguments": [
        {"name": "q", "kind": "array", "dtype": "f16", "shape": [-1, 8, -1, 64]},
        {"name": "k", "kind": "array", "dtype": "f16", "shape": [-1, 8, -1, 64]},
        {"name": "lse", "kind": "array", "dtype": "f32", "shape": [-1, 8, -1]}],
      "results": [{"dtype": "i64", "shape": [-1]}, {"dtype": "i32", "shape": [-1, 2]},
                  {"dtype": "f32", "shape": [-1, 64, 32]}, {"dtype": "f32", "shape": [-1, 8, -1]}],
      "buffers": [],
      "steps": [{"kernels": ["rows"], "query": {"argument": 0}, "key": {"argument": 1}, "lse": {"argument": 2},
                 "captures": [], "offsets": {"result": 0}, "indices": {"result": 1}, "output": {"result": 2}},
                {"kernels": ["columns"], "query": {"argument": 0}, "key": {"argument": 1}, "lse": {"argument": 2},
                 "captures": [], "output": {"result": 3}}]}],
    "kernels": [{
      "name": "rows", "computes": "weights", "pattern": "near", "dtype": "f16", "head_size": 64, "scale": 0.125,
      "lse": false, "captures": [], "schedule": "ranges", "depends_on": {"batch": false, "head": false},
      "variants": [{"level": "x86-64-v3", "features": [], "tile_q": 64, "tile_k": 32, "scratch_bytes": 0,
        "costs": {"item": 1, "partial": 1, "full": 1},
        "entries": {"items": 0, "work": 1, "predicate": 2, "tiles": 3}}]}, {
      "name": "columns", "computes": "column_sums", "pattern": "near", "dtype": "f16", "head_size": 64, "scale": 0.125,
      "lse": false, "captures": [], "schedule": "ranges", "depends_on": {"batch": false, "head": false},
      "variants": [{"level": "x86-64-v3", "features": [], "tile_q": 64, "tile_k": 64, "scratch_bytes": 0,
        "costs": {"item": 1, "partial": 1, "full": 1},
        "entries": {"items": 4, "work": 5, "predicate": 6, "tiles": 7}}]}]})";

TEST(Manifest, OfWeightsIsReadWhole) {
  Result<Manifest> manifest = parse(makeSection(weightsText));
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  EXPECT_EQ(manifest->kernels[0].computes, KernelInfo::Computes::Weights);
  EXPECT_EQ(manifest->kernels[1].computes, KernelInfo::Computes::ColumnSums);
  EXPECT_TRUE(manifest->kernels[0].isOverBlocks());
  EXPECT_TRUE(manifest->kernels[1].isOverBlocks());
  EXPECT_EQ(manifest->functions[0].results[0].dtype, DType::I64);
  const std::vector<Step> &steps = manifest->functions[0].steps;
  EXPECT_EQ(steps[0].value.kind, Operand::Kind::Argument);
  EXPECT_EQ(steps[0].value.index, 2u);
  ASSERT_TRUE(steps[0].offsets && steps[0].indices);
  EXPECT_EQ(steps[0].offsets->index, 0u);
  EXPECT_EQ(steps[0].indices->index, 1u);
  EXPECT_EQ(steps[0].output.index, 2u);
  EXPECT_FALSE(steps[0].lse);
  EXPECT_FALSE(steps[1].offsets || steps[1].indices || steps[1].lse);
  EXPECT_EQ(steps[1].output.index, 3u);
  // Kernels of earlier artifacts do not say what they compute.
  Result<Manifest> older = parse(makeSection(goodText()));
  ASSERT_TRUE(older.isOk());
  EXPECT_EQ(older->kernels[0].computes, KernelInfo::Computes::Attention);
  EXPECT_FALSE(older->kernels[0].isOverBlocks());
}

TEST(Manifest, StepsOfWeightsAreChecked) {
  struct Case {
    std::string text;
    const char *message;
  };
  const std::string rows = "\"name\": \"rows\"", columns = "\"name\": \"columns\"", sums = "[\"columns\"]";
  auto of = [](const std::string &anchor, const std::string &from, const std::string &to) {
    return changedText(weightsText, anchor, from, to);
  };
  const Case cases[] = {
      {of(rows, "\"weights\"", "\"values\""),
       "manifest.kernels[0].computes: expects attention, weights or column_sums, but got 'values'"},
      {of(rows, "\"weights\"", "7"), "manifest.kernels[0].computes: expects a string, but got number"},
      {of(rows, "\"f16\"", "\"i64\""), "manifest.kernels[0].dtype: expects f32, f16 or bf16, but got 'i64'"},
      {of(rows, ", \"tiles\": 3", ""), "manifest.kernels[0].variants[0].entries.tiles: expects a value, but got none"},
      {of(columns, ", \"tiles\": 7", ""),
       "manifest.kernels[1].variants[0].entries.tiles: expects a value, but got none"},
      {of("", "\"offsets\": {\"result\": 0}, ", ""),
       "manifest.functions[0].steps[0].offsets: expects a value, but got none"},
      {of("", "\"indices\": {\"result\": 1}, ", ""),
       "manifest.functions[0].steps[0].indices: expects a value, but got none"},
      {of("", "\"lse\": {\"argument\": 2},", ""), "manifest.functions[0].steps[0].lse: expects a value, but got none"},
      {of(sums, "\"lse\": {\"argument\": 2},", ""),
       "manifest.functions[0].steps[1].lse: expects a value, but got none"},
      {of("", "\"dtype\": \"i64\"", "\"dtype\": \"i32\""),
       "manifest.functions[0].steps[0].offsets: expects an array of i64, but got i32"},
      {of("", "\"i64\", \"shape\": [-1]", "\"i64\", \"shape\": [-1, 2]"),
       "manifest.functions[0].steps[0].offsets: expects an array of rank 1, but got 2"},
      {of("\"results\"", "\"dtype\": \"i32\"", "\"dtype\": \"i64\""),
       "manifest.functions[0].steps[0].indices: expects an array of i32, but got i64"},
      {of("\"results\"", "[-1, 2]", "[-1]"),
       "manifest.functions[0].steps[0].indices: expects an array of rank 2, but got 1"},
      {of("\"results\"", "\"f32\"", "\"f16\""),
       "manifest.functions[0].steps[0].output: expects an array of f32, but got f16"},
      {of("\"results\"", "[-1, 64, 32]", "[-1, 64]"),
       "manifest.functions[0].steps[0].output: expects an array of rank 3, but got 2"},
      {of("\"name\": \"lse\"", "\"f32\"", "\"f16\""),
       "manifest.functions[0].steps[0].lse: expects an array of f32, but got f16"},
      {of("\"name\": \"lse\"", "[-1, 8, -1]", "[-1, 8]"),
       "manifest.functions[0].steps[0].lse: expects an array of rank 3, but got 2"},
      {of("", "\"offsets\": {\"result\": 0}", "\"offsets\": {\"argument\": 0}"),
       "manifest.functions[0].steps[0].offsets: expects a result or a buffer, but got argument 0"},
      {of(sums, "{\"result\": 3}", "{\"result\": 2}"),
       "manifest.functions[0].steps[1].output: expects an array that no other step writes, but got number 2"},
      {of("", "[\"rows\"]", "[\"rows\", \"columns\"]"),
       "manifest.functions[0].steps[0].kernels[1]: expects a kernel that differs from 'rows' in its tiles alone"},
      {of("", "[\"rows\"]", "[\"rows\", \"rows\"]"),
       "manifest.functions[0].steps[0]: expects one kernel, no partial result and no sequences, as kernel 'rows' has"},
      {changedGpu("\"name\": \"window_0\"", "\"pattern\"", "\"computes\": \"weights\", \"pattern\""),
       "manifest.kernels[0].computes: expects a kernel of attention for a GPU, but got another"},
  };
  for (const Case &each : cases) {
    Status status = parse(makeSection(each.text)).status();
    EXPECT_FALSE(status.isOk()) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

TEST(Manifest, TilesAndBlocksOfMasksFit) {
  const std::string blocks = "\"name\": \"blocks_0\"", coarse = "\"name\": \"coarse_blocks_0\"";
  struct Case {
    std::string text;
    const char *message; ///< Empty where the manifest is good.
  };
  const Case cases[] = {
      {changed(blocks, "\"tile_q\": 16", "\"tile_q\": 2"), ""},
      {changed(blocks, "\"tile_k\": 64", "\"tile_k\": 12"), ""},
      {changed(coarse, "\"tile_q\": 16", "\"tile_q\": 64"), ""},
      {changed(blocks, "\"tile_q\": 16", "\"tile_q\": 18"),
       "manifest.kernels[4].variants[0].tile_q: expects a multiple or a divisor of 4, as the blocks of a mask have, "
       "but "
       "got 18"},
      {changed(blocks, "\"tile_k\": 64", "\"tile_k\": 3"), "manifest.kernels[4].variants[0].tile_k: expects a multiple "
                                                           "or a divisor of 4, as the blocks of a mask have, but "
                                                           "got 3"},
      {changed(coarse, "\"tile_q\": 16", "\"tile_q\": 48"),
       "manifest.kernels[5].variants[0].tile_q: expects a multiple or a divisor of 32, as the blocks of a mask have, "
       "but "
       "got 48"},
      {changedGpu(blocks, "\"tile_k\": 64", "\"tile_k\": 66"),
       "manifest.kernels[2].variants[0].tile_k: expects a multiple or a divisor of 4, as the blocks of a mask have, "
       "but "
       "got 66"},
  };
  for (const Case &each : cases)
    EXPECT_EQ(parse(makeSection(each.text)).status().message(), each.message);
}

TEST(Manifest, OfAGpuIsReadWhole) {
  Result<Manifest> manifest = parse(makeSection(goodGpuText()));
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  ASSERT_TRUE(manifest->gpu);
  EXPECT_EQ(manifest->gpu->major, 8);
  EXPECT_EQ(manifest->gpu->minor, 0);
  EXPECT_FALSE(manifest->gpu->exact);
  const KernelInfo &window = manifest->kernels[0];
  EXPECT_TRUE(window.isForGpu());
  const Variant &variant = window.variants[0];
  EXPECT_FALSE(variant.entries.items);
  EXPECT_EQ(variant.entries.simulate, 3u);
  ASSERT_TRUE(variant.device);
  EXPECT_EQ(variant.device->symbol, "window_kernel");
  EXPECT_EQ(variant.device->threads, 64);
  EXPECT_EQ(variant.device->sharedBytes, 1024);
  EXPECT_EQ(variant.device->ptx, 0u);
  EXPECT_EQ(variant.device->cubin, 1u);
  EXPECT_FALSE(variant.device->persistent);
  EXPECT_EQ(variant.device->blocksPerMultiprocessor, 1);
  ASSERT_EQ(variant.device->maps.size(), 4u);
  EXPECT_EQ(variant.device->maps[1].array, TensorBox::Array::Key);
  EXPECT_EQ(variant.device->maps[1].rows, 24);
  EXPECT_EQ(variant.device->maps[1].columns, 8);
  EXPECT_EQ(variant.device->maps[3].array, TensorBox::Array::Output);
  EXPECT_TRUE(manifest->kernels[1].variants[0].device->persistent);
  EXPECT_EQ(manifest->kernels[1].variants[0].device->blocksPerMultiprocessor, 2);
  EXPECT_FALSE(manifest->kernels[1].variants[0].device->cubin);
  EXPECT_FALSE(parse(makeSection(goodText()))->kernels[0].isForGpu());
}

TEST(Manifest, TargetsAreCapabilities) {
  auto parsed = [](const std::string &name) { return parse(makeSection(changedGpu("", "sm_80", name))); };
  for (auto [name, major, minor, exact] : {std::tuple("sm_86", 8, 6, false), std::tuple("sm_89", 8, 9, false),
                                           std::tuple("sm_90a", 9, 0, true), std::tuple("sm_100", 10, 0, false)}) {
    Result<Manifest> manifest = parsed(name);
    ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
    EXPECT_EQ(manifest->gpu->major, major);
    EXPECT_EQ(manifest->gpu->minor, minor);
    EXPECT_EQ(manifest->gpu->exact, exact);
  }
  for (const char *name :
       {"", "a", "sm_", "sm_8", "sm_a", "sm_9a", "sm_80b", "sm_80aa", "sm_08", "sm_8000", "SM_80", "xsm_80", "gfx90"}) {
    Status status = parsed(name).status();
    EXPECT_EQ(status.code(), StatusCode::Unsupported) << name;
    EXPECT_EQ(status.message(),
              std::string("manifest.target: expects cpu or a GPU such as sm_80, but got '") + name + "'");
  }
}

TEST(Manifest, ErrorsOfAGpuNameTheKey) {
  struct Case {
    std::string text;
    const char *message;
  };
  const std::string packed = "\"name\": \"packed_0\"", blocks = "\"name\": \"blocks_0\"",
                    window = "\"name\": \"window_0\"";
  const Case cases[] = {
      {changedGpu("", "\"sm_80\"", "\"cpu\""),
       "manifest.kernels[0].variants[0].entries.items: expects a value, but got none"},
      {changed("", "\"cpu\"", "\"sm_80\""), "manifest.kernels[0].variants: expects 1 variant for a GPU, but got 2"},
      {changedGpu(window, "\"work\": 0", "\"items\": 0, \"work\": 0"),
       "manifest.kernels[0].variants[0].entries.items: expects no value but for the CPU, but got one"},
      {changed("\"any\"", "\"work\": 1", "\"work\": 1, \"simulate\": 0"),
       "manifest.kernels[0].variants[1].entries.simulate: expects no value but for a GPU, but got one"},
      {changed("\"any\"", "\"tile_q\": 8", "\"tile_q\": 8, \"device\": {}"),
       "manifest.kernels[0].variants[1].device: expects no value but for a GPU, but got one"},
      {changedGpu(window, "\"device\"", "\"gpu\""),
       "manifest.kernels[0].variants[0].device: expects a value, but got none"},
      {changedGpu(window, "\"scratch_bytes\": 0", "\"scratch_bytes\": 64"),
       "manifest.kernels[0].variants[0].scratch_bytes: expects an integer from 0 to 0, but got 64"},
      {changedGpu(window, "\"window_kernel\"", "\"\""),
       "manifest.kernels[0].variants[0].device.symbol: expects the name of a kernel, but got ''"},
      {changedGpu(window, "\"threads\": 64", "\"threads\": 0"),
       "device.threads: expects an integer from 32 to 1024, but got 0"},
      {changedGpu(window, "\"threads\": 64", "\"threads\": 2048"),
       "device.threads: expects an integer from 32 to 1024, but got 2048"},
      {changedGpu(window, "\"threads\": 64", "\"threads\": 65"),
       "device.threads: expects a multiple of 32, but got 65"},
      {changedGpu(window, "\"shared_bytes\": 1024", "\"shared_bytes\": 232449"),
       "device.shared_bytes: expects an integer from 0 to 232448, but got 232449"},
      {changedGpu(window, "\"shared_bytes\": 1024", "\"shared_bytes\": -1"), "device.shared_bytes: expects an integer"},
      {changedGpu(window, "\"ptx\": 0", "\"ptx\": -1"), "device.ptx: expects an integer from 0"},
      {changedGpu(window, "\"cubin\": 1", "\"cubin\": \"1\""), "device.cubin: expects an integer, but got string"},
      {changedGpu(blocks, "\"simulate\"", "\"simulated\""),
       "manifest.kernels[2].variants[0].device: expects ptx, a cubin or an entry 'simulate', but got none"},
      {changedGpu(window, "\"simulate\": 3", "\"simulate\": {}"),
       "entries.simulate: expects an integer, but got object"},
      {changedGpu(window, "\"persistent\": false", "\"persistent\": 0"),
       "device.persistent: expects true or false, but got number"},
      {changedGpu(packed, "\"blocks_per_multiprocessor\": 2", "\"blocks_per_multiprocessor\": 0"),
       "manifest.kernels[1].variants[0].device.blocks_per_multiprocessor: expects an integer from 1 to 32, but got 0"},
      {changedGpu(packed, "\"blocks_per_multiprocessor\": 2", "\"blocks_per_multiprocessor\": 33"),
       "device.blocks_per_multiprocessor: expects an integer from 1 to 32, but got 33"},
      {changedGpu(packed, "\"blocks_per_multiprocessor\": 2", "\"blocks\": 2"),
       "device.blocks_per_multiprocessor: expects a value, but got none"},
      {changedGpu(window, "\"query\", \"rows\"", "\"lse\", \"rows\""),
       "device.maps[0].array: expects query, key, value or output, but got 'lse'"},
      {changedGpu(window, "\"rows\": 24", "\"rows\": 257"),
       "device.maps[1].rows: expects an integer from 1 to 256, but got 257"},
      {changedGpu(window, "\"rows\": 24", "\"rows\": 0"), "device.maps[1].rows: expects an integer from 1"},
      {changedGpu(window, "\"columns\": 8", "\"columns\": 7"),
       "device.maps[1].columns: expects an integer from 8 to 64, but got 7"},
      {changedGpu(window, "\"columns\": 8", "\"columns\": 20"),
       "device.maps[1].columns: expects a multiple of 8, but got 20"},
      {changedGpu(window, "\"columns\": 8", "\"columns\": 65"), "device.maps[1].columns: expects an integer from 8"},
      {changedGpu(packed, "\"maps\": []", "\"maps\": [1,2,3,4,5,6,7,8,9]"),
       "manifest.kernels[1].variants[0].device.maps: expects at most 8 maps, but got 9"},
      {changedGpu(packed, "\"maps\": []", "\"maps\": {}"), "device.maps: expects an array, but got object"},
      {changedGpu(window, "\"bf16\"", "\"f32\""),
       "manifest.kernels[0].variants[0].device.maps: expects maps of f16 or bf16 arrays only, but got f32"},
  };
  for (const Case &each : cases) {
    Status status = parse(makeSection(each.text)).status();
    EXPECT_FALSE(status.isOk()) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

TEST(Manifest, BlobsMustExist) {
  Result<Manifest> manifest = parse(makeSection(goodGpuText()));
  ASSERT_TRUE(manifest.isOk());
  EXPECT_TRUE(checkEntries(*manifest, 12, 2).isOk());
  EXPECT_EQ(checkEntries(*manifest, 12, 1).message(),
            "kernel 'window_0' (sm_80): expects blobs below 1, the image's number, but got 1");
  EXPECT_EQ(checkEntries(*manifest, 12, 0).message(),
            "kernel 'window_0' (sm_80): expects blobs below 0, the image's number, but got 0");
  EXPECT_EQ(checkEntries(*manifest, 11, 2).message(),
            "kernel 'blocks_0' (sm_80): expects entries below 11, the image's number, but got 11");
}

TEST(Manifest, TooManyCapturesAreRejected) {
  std::string captures;
  for (size_t i = 0; i <= maxCaptures; ++i)
    captures += "{\"kind\": \"scalar\"},";
  Status status =
      parse(makeSection(changed("\"name\": \"width_of_head_0\"", "[{\"kind\"", "[" + captures + "{\"kind\""))).status();
  EXPECT_EQ(status.message(), "manifest.kernels[1].captures: expects at most 32 captures, but got 34");
}

TEST(Manifest, EntriesMustExist) {
  Result<Manifest> manifest = parse(makeSection(goodText()));
  ASSERT_TRUE(manifest.isOk());
  EXPECT_TRUE(checkEntries(*manifest, 23, 0).isOk());
  EXPECT_EQ(checkEntries(*manifest, 10, 0).message(),
            "kernel 'window_0' (any): expects entries below 10, the image's number, but got 10");
  manifest->kernels[0].variants[1].entries.tiles.reset();
  EXPECT_EQ(checkEntries(*manifest, 18, 0).message(),
            "kernel 'coarse_blocks_0' (any): expects entries below 18, the image's number, but got 18");
  EXPECT_EQ(checkEntries(*manifest, 9, 0).message(),
            "kernel 'packed_0' (any): expects entries below 9, the image's number, but got 9");
}

TEST(Manifest, DeepNestingIsHarmless) {
  EXPECT_FALSE(parse(makeSection(std::string(200000, '['))).isOk());
  EXPECT_FALSE(parse(makeSection(std::string(200000, '[') + std::string(200000, ']'))).isOk());
}

TEST(Manifest, MutationsNeverCrash) {
  std::mt19937 generator(5);
  const std::string spice = "{}[]\",:0123456789-.eE \\\x80\xff\0ntf";
  size_t accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string section = makeSection(round % 2 ? goodGpuText() : goodText());
    for (uint32_t edits = 1 + generator() % 3; edits > 0; --edits) {
      size_t at = generator() % section.size();
      switch (generator() % 4) {
      case 0:
        section[at] = static_cast<char>(generator());
        break;
      case 1:
        section[at] = spice[generator() % spice.size()];
        break;
      case 2:
        section.erase(at, 1 + generator() % 20);
        break;
      case 3:
        section.insert(at, section.substr(generator() % section.size(), generator() % 40));
        break;
      }
    }
    // Half the time the length in the header fits again.
    if (section.size() >= 16 && generator() % 2 == 0) {
      uint32_t length = static_cast<uint32_t>(section.size() - 16);
      std::memcpy(&section[12], &length, sizeof(length));
    }
    Result<Manifest> manifest = parse(section);
    accepted += manifest.isOk();
    EXPECT_TRUE(manifest.isOk() || !manifest.status().message().empty());
  }
  EXPECT_LT(accepted, 3000u);
}

} // namespace
