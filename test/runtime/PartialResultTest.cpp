//===- PartialResultTest.cpp - Steps that go on from partial results ------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact with a kernel that resumes, written by hand: its manifest is read
// and refused, its plans check shapes, and its steps run in the place of what
// they go on from.
//
//===----------------------------------------------------------------------===//

#include "HandWrittenKernels.h"
#include "Problem.h"

#include "ArgumentBlock.h"

#include <array>
#include <cstring>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

//===----------------------------------------------------------------------===//
// The artifact
//===----------------------------------------------------------------------===//

/// A window whose block has a partial result between captures and output.
struct ResumedWindow : handwritten::Window {
  static constexpr size_t partialWord = handwritten::captureWord + 2;
  static constexpr size_t outputWord = partialWord + 9 + 7;
  static constexpr size_t endWord = outputWord + 16;
};

using Resumed = handwritten::Kernel<ResumedWindow>;

/// Joins a row to the partial one, which has been copied since it may be in the same place.
void joinRow(const std::array<float, headSize> &before, float lseBefore, float *output, float *lse) {
  if (std::isinf(lseBefore))
    return;
  double sum = std::exp(double(*lse)) + std::exp(double(lseBefore));
  double own = std::exp(double(*lse)) / sum, other = std::exp(double(lseBefore)) / sum;
  for (size_t d = 0; d < before.size(); ++d)
    output[d] = static_cast<float>(own * output[d] + other * before[d]);
  *lse = static_cast<float>(std::log(sum));
}

int32_t resumedItems(const uint64_t *block, int64_t begin, int64_t end, void *scratch) {
  handwritten::Array partial(block + ResumedWindow::partialWord, 4),
      partialLse(block + ResumedWindow::partialWord + 9, 3);
  handwritten::Array output(block + ResumedWindow::outputWord, 4), lse(block + ResumedWindow::outputWord + 9, 3);
  for (int64_t number = begin; number < end; ++number) {
    Resumed::Item item = Resumed::split(block, number);
    int64_t last = std::min((item.t + 1) * ResumedWindow::tileQ, Resumed::query(block).size(2));
    for (int64_t i = item.t * ResumedWindow::tileQ; i < last; ++i) {
      std::array<float, headSize> before;
      std::memcpy(before.data(), partial.row<const float>(item.b, item.h, i), sizeof(before));
      float lseBefore = *partialLse.row<const float>(item.b, item.h, i);
      Resumed::computeRow(block, item, i, static_cast<float *>(scratch));
      joinRow(before, lseBefore, output.row<float>(item.b, item.h, i), lse.row<float>(item.b, item.h, i));
    }
  }
  return 0;
}

using Entry = void (*)();
template <typename Function> Entry entry(Function function) { return reinterpret_cast<Entry>(function); }

const Entry entries[] = {
    entry(handwritten::Kernel<handwritten::Window>::items),
    entry(handwritten::Kernel<handwritten::Window>::work),
    entry(handwritten::Kernel<handwritten::Window>::predicate),
    entry(resumedItems),
    entry(Resumed::work),
    entry(Resumed::predicate),
};

#define ARRAY(name) R"({"name": ")" name R"(", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1, 16]})"
#define SCALAR(name) R"({"name": ")" name R"(", "kind": "scalar"})"
#define OUTPUT R"({"dtype": "f32", "shape": [-1, -1, -1, 16]})"
#define LSE R"({"dtype": "f32", "shape": [-1, -1, -1]})"
#define INPUTS R"("query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2})"

/// `resumed` goes on from arguments, `chain` in the place of its results, `beside` from buffers.
constexpr char goodText[] =
    R"({"module": "partial", "target": "cpu", "compiler": "none",
"functions": [
 {"name": "resumed", "arguments": [)" ARRAY("q") "," ARRAY("k") "," ARRAY("v") "," ARRAY("po") R"(,
   {"name": "pl", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1]},)" SCALAR("left") "," SCALAR("right") R"(],
  "results": [)" OUTPUT "," LSE R"(], "buffers": [],
  "steps": [{"kernels": ["resumed_0"], )" INPUTS R"(, "captures": [{"argument": 5}, {"argument": 6}],
   "partial": {"output": {"argument": 3}, "lse": {"argument": 4}}, "output": {"result": 0}, "lse": {"result": 1}}]},
 {"name": "chain", "arguments": [)" ARRAY("q") "," ARRAY("k") "," ARRAY("v") "," SCALAR("left") "," SCALAR(
        "middle") "," SCALAR("past") "," SCALAR("right") R"(],
  "results": [)" OUTPUT "," LSE R"(], "buffers": [],
  "steps": [{"kernels": ["window_0"], )" INPUTS R"(, "captures": [{"argument": 3}, {"argument": 4}],
   "output": {"result": 0}, "lse": {"result": 1}},
   {"kernels": ["resumed_0"], )" INPUTS
                                                         R"(, "captures": [{"argument": 5}, {"argument": 6}],
   "partial": {"output": {"result": 0}, "lse": {"result": 1}}, "output": {"result": 0}, "lse": {"result": 1}}]},
 {"name": "beside", "arguments": [)" ARRAY("q") "," ARRAY("k") "," ARRAY("v") "," SCALAR("left") "," SCALAR(
                                                             "middle") "," SCALAR("past") "," SCALAR("right") R"(],
  "results": [)" OUTPUT "," LSE R"(], "buffers": [)" LSE "," OUTPUT R"(],
  "steps": [{"kernels": ["window_0"], )" INPUTS R"(, "captures": [{"argument": 3}, {"argument": 4}],
   "output": {"buffer": 1}, "lse": {"buffer": 0}},
   {"kernels": ["resumed_0"], )" INPUTS R"(, "captures": [{"argument": 5}, {"argument": 6}],
   "partial": {"output": {"buffer": 1}, "lse": {"buffer": 0}}, "output": {"result": 0}, "lse": {"result": 1}}]}],
"kernels": [
 {"name": "window_0", "pattern": "window", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": true,
  "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 8, "tile_k": 8, "scratch_bytes": 16384,
   "entries": {"items": 0, "work": 1, "predicate": 2}}]},
 {"name": "resumed_0", "pattern": "window", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": true,
  "resumes": true, "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 8, "tile_k": 8, "scratch_bytes": 16384,
   "entries": {"items": 3, "work": 4, "predicate": 5}}]}]})";

std::string makeSection(const std::string &text) {
  std::string section = "SPRSATTN";
  uint32_t words[] = {2, static_cast<uint32_t>(text.size())};
  section.append(reinterpret_cast<const char *>(words), sizeof(words));
  return section + text;
}

Result<Manifest> parse(const std::string &text) {
  std::string section = makeSection(text);
  return parseManifest(section.data(), section.size());
}

std::shared_ptr<const Artifact> partialArtifact() {
  static const std::string section = makeSection(goodText);
  static const sparse_attn_image image = {section.data(), section.size(), entries, std::size(entries), nullptr, 0};
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::fromImage(&image);
  EXPECT_TRUE(artifact.isOk()) << artifact.status().message();
  return *artifact;
}

//===----------------------------------------------------------------------===//
// Manifest
//===----------------------------------------------------------------------===//

TEST(PartialResult, IsRead) {
  Result<Manifest> manifest = parse(goodText);
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  EXPECT_FALSE(manifest->kernels[0].resumes);
  EXPECT_TRUE(manifest->kernels[1].resumes);
  const FunctionInfo &resumed = manifest->functions[0], &beside = manifest->functions[2];
  ASSERT_TRUE(resumed.steps[0].partial);
  EXPECT_EQ(resumed.steps[0].partial->output.kind, Operand::Kind::Argument);
  EXPECT_EQ(resumed.steps[0].partial->output.index, 3u);
  EXPECT_EQ(resumed.steps[0].partial->lse.index, 4u);
  EXPECT_FALSE(beside.steps[0].partial);
  ASSERT_TRUE(beside.steps[1].partial);
  EXPECT_EQ(beside.steps[1].partial->output.kind, Operand::Kind::Buffer);
  EXPECT_EQ(beside.steps[1].partial->output.index, 1u);
}

TEST(PartialResult, StandsBetweenCapturesAndOutput) {
  Result<Manifest> manifest = parse(goodText);
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  BlockLayout starting(manifest->kernels[0]), resuming(manifest->kernels[1]);
  EXPECT_FALSE(starting.resumes);
  EXPECT_EQ(starting.output, handwritten::Window::outputWord);
  EXPECT_TRUE(resuming.resumes);
  EXPECT_EQ(resuming.partialOutput, ResumedWindow::partialWord);
  EXPECT_EQ(resuming.partialLse, ResumedWindow::partialWord + 9);
  EXPECT_EQ(resuming.output, ResumedWindow::outputWord);
  EXPECT_EQ(resuming.words, ResumedWindow::endWord);
  EXPECT_LE(resuming.words, maxBlockWords);
}

/// The good manifest with the first `from` behind `anchor` replaced.
std::string changed(const std::string &anchor, const std::string &from, const std::string &to) {
  std::string text = goodText;
  size_t at = text.find(from, text.find(anchor));
  EXPECT_NE(at, std::string::npos) << anchor << ", " << from;
  return text.replace(at, from.size(), to);
}

TEST(PartialResult, ErrorsNameTheKey) {
  struct Case {
    std::string text;
    const char *message;
  };
  const std::string resumed = "\"resumed\"", chain = "\"chain\"", beside = "\"beside\"", partial = "\"partial\": {";
  const std::string second = "\"past\"", lse = "\"lse\": {\"result\": 1}}", kernel = "\"name\": \"resumed_0\"";
  const Case cases[] = {
      {changed(resumed, "\"partial\":", "\"part\":"),
       "manifest.functions[0].steps[0]: expects a partial result, as kernel 'resumed_0' has, but got none"},
      {changed(resumed, "[\"resumed_0\"]", "[\"window_0\"]"),
       "manifest.functions[0].steps[0]: expects no partial result, as kernel 'window_0' has, but got one"},
      {changed(kernel, "\"resumes\": true", "\"resumes\": false"),
       "manifest.functions[0].steps[0]: expects no partial result, as kernel 'resumed_0' has, but got one"},
      {changed(kernel, "\"resumes\": true", "\"resumes\": 1"),
       "manifest.kernels[1].resumes: expects true or false, but got number"},
      {changed(resumed, partial + "\"output\"", partial + "\"out\""),
       "manifest.functions[0].steps[0].partial.output: expects a value, but got none"},
      {changed(resumed, "\"lse\": {\"argument\": 4}", "\"sums\": {\"argument\": 4}"),
       "manifest.functions[0].steps[0].partial.lse: expects a value, but got none"},
      {changed(resumed, "\"partial\": {\"output\": {\"argument\": 3}, \"lse\": {\"argument\": 4}}", "\"partial\": 3"),
       "manifest.functions[0].steps[0].partial"},
      {changed(resumed, "{\"argument\": 4}", "{\"argument\": 7}"),
       "manifest.functions[0].steps[0].partial.lse.argument: expects an index below 7, but got 7"},
      {changed(resumed, "{\"argument\": 3}", "{\"argument\": 5}"),
       "manifest.functions[0].steps[0].partial.output: expects an array, but got scalar argument 5"},
      {changed(resumed, "{\"argument\": 3}", "{\"argument\": 4}"),
       "manifest.functions[0].steps[0].partial.output: expects an array of rank 4, but got 3"},
      {changed(resumed, "{\"argument\": 4}", "{\"argument\": 3}"),
       "manifest.functions[0].steps[0].partial.lse: expects an array of rank 3, but got 4"},
      {changed("\"po\"", "\"f32\"", "\"f16\""),
       "manifest.functions[0].steps[0].partial.output: expects an array of f32, but got f16"},
      {changed("\"po\"", "16]", "32]"),
       "manifest.functions[0].steps[0].partial.output: expects head size 16, but got 32"},
      {changed("\"pl\"", "\"f32\"", "\"bf16\""),
       "manifest.functions[0].steps[0].partial.lse: expects an array of f32, but got bf16"},
      // Places that nothing was written to before.
      {changed(resumed, "{\"argument\": 3}", "{\"result\": 0}"),
       "manifest.functions[0].steps[0].partial.output: expects an array that an earlier step writes, but got number 0"},
      {changed(resumed, "{\"argument\": 4}", "{\"result\": 1}"),
       "manifest.functions[0].steps[0].partial.lse: expects an array that an earlier step writes, but got number 1"},
      // Places that are written again, but not gone on from.
      {changed(chain, "\"partial\": {\"output\": {\"result\": 0}", "\"partial\": {\"output\": {\"argument\": 0}"),
       "manifest.functions[1].steps[1].output: expects an array that no other step writes, but got number 0"},
      {changed(beside, "\"output\": {\"result\": 0}, \"lse\": {\"result\": 1}",
               "\"output\": {\"buffer\": 1}, \"lse\": "
               "{\"result\": 1}"),
       "manifest.functions[2].results[0]: expects a step that writes it, but got none"},
      // What a step reads beside its partial result must not be in the place that it writes.
      {changed(second, "\"key\": {\"argument\": 1}, \"value\": {\"argument\": 2}, \"captures\": [{\"argument\": 5}",
               "\"key\": {\"result\": 0}, \"value\": {\"argument\": 2}, \"captures\": [{\"argument\": 5}"),
       "manifest.functions[1].steps[1].output: expects an array that no other step writes, but got number 0"},
      {changed(second, "\"value\": {\"argument\": 2}, \"captures\": [{\"argument\": 5}",
               "\"value\": {\"result\": 0}, \"captures\": [{\"argument\": 5}"),
       "manifest.functions[1].steps[1].output: expects an array that no other step writes, but got number 0"},
      {changed(resumed, "[\"resumed_0\"]", "[\"resumed_0\", \"window_0\"]"),
       "manifest.functions[0].steps[0].kernels[1]: expects a kernel that differs from 'resumed_0' in its tiles alone, "
       "but got 'window_0'"},
  };
  for (const Case &each : cases) {
    Status status = parse(each.text).status();
    EXPECT_FALSE(status.isOk()) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

//===----------------------------------------------------------------------===//
// Plans and launches
//===----------------------------------------------------------------------===//

/// Windows that share no pair, so that both are one window.
const std::vector<Value> windows = {makeScalar(3), makeScalar(0), makeScalar(20), makeScalar(-4)};
bool inWindow(int64_t, int64_t, int64_t q, int64_t k) { return q - 20 <= k && k <= q; }

/// Runs a function on query, key, value and `more` into the problem's results.
void run(Problem &problem, const std::string &function, const std::vector<Value> &more) {
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(partialArtifact(), function, problem.arguments(more));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  Workspace workspace((*plan)->workspaceBytes());
  Status status =
      (*plan)->launch(problem.arguments(more), problem.results(true), workspace.memory.get(), workspace.bytes);
  ASSERT_TRUE(status.isOk()) << status.message();
}

TEST(PartialResult, IsGoneOnFromInPlace) {
  for (const char *function : {"chain", "beside"})
    for (Sizes sizes : {Sizes{2, 4, 2, 61, 100}, Sizes{1, 1, 1, 40, 13}, Sizes{1, 2, 1, 0, 5}}) {
      Problem problem(sizes);
      run(problem, function, windows);
      problem.expectReference(inWindow, true);
    }
}

TEST(PartialResult, IsGoneOnFromArguments) {
  for (bool inPlace : {false, true}) {
    Problem first({2, 4, 2, 61, 100}, true), second({2, 4, 2, 61, 100}, true);
    first.run("window", {windows[0], windows[1]}, true);
    std::vector<Value> partial = first.results(true);
    if (inPlace) {
      second.output = first.output;
      second.lse = first.lse;
      partial = second.results(true);
    }
    run(second, "resumed", {partial[0], partial[1], windows[2], windows[3]});
    second.expectReference(inWindow, true);
  }
}

TEST(PartialResult, HasTheShapeOfTheResults) {
  Problem problem({2, 4, 2, 61, 100});
  auto message = [&](const std::function<void(Value &, Value &)> &change) {
    std::vector<Value> partial = problem.results(true);
    change(partial[0], partial[1]);
    auto plan = Plan::prepare(partialArtifact(), "resumed",
                              problem.arguments({partial[0], partial[1], makeScalar(3), makeScalar(0)}));
    EXPECT_TRUE(plan.isOk() || plan.status().code() == StatusCode::ShapeMismatch);
    return plan.status().message();
  };
  EXPECT_EQ(message([](Value &, Value &) {}), "");
  const std::string start = "function 'resumed': expects a partial result of sizes ";
  EXPECT_EQ(message([](Value &output, Value &) { output.size[2] = 60; }),
            start + "[2, 4, 61, 16], but got [2, 4, 60, 16]");
  EXPECT_EQ(message([](Value &output, Value &) { output.size[1] = 2; }),
            start + "[2, 4, 61, 16], but got [2, 2, 61, 16]");
  EXPECT_EQ(message([](Value &, Value &lse) { lse.size[0] = 1; }), start + "[2, 4, 61], but got [1, 4, 61]");
  EXPECT_EQ(message([](Value &, Value &lse) { lse.size[2] = 100; }), start + "[2, 4, 61], but got [2, 4, 100]");
}

} // namespace
