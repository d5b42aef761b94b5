//===- Manifest.cpp - Parse and check the manifest ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Manifest.h"

#include "FunctionCheck.h"
#include "JsonNode.h"
#include "ManifestDevice.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace sparse_attn {

const char *kindName(ArgumentKind kind) {
  switch (kind) {
  case ArgumentKind::Array:
    return "array";
  case ArgumentKind::Scalar:
    return "scalar";
  case ArgumentKind::Mask:
    break;
  }
  return "mask";
}

const char *formName(ArrayForm form) {
  switch (form) {
  case ArrayForm::Elements:
    return "elements";
  case ArrayForm::Tree:
    return "tree";
  case ArrayForm::Bits:
    break;
  }
  return "bits";
}

namespace {

constexpr char magic[] = {'S', 'P', 'R', 'S', 'A', 'T', 'T', 'N'};
constexpr int64_t maxTile = int64_t(1) << 20;
constexpr int64_t maxHeadSize = int64_t(1) << 16;
constexpr int64_t maxScratchBytes = int64_t(1) << 30;
/// Times the most tiles, still a number.
constexpr double maxCost = 1e30;

DType parseDType(const JsonNode &node) {
  std::string name = node.string();
  std::optional<DType> type = sparse_attn::parseDType(name);
  if (!type)
    node.fail("expects f32, f16, bf16 or i32, but got '", name, "'");
  return type.value_or(DType::F32);
}

Shape parseShape(const JsonNode &node) {
  Shape shape;
  size_t rank = node.size();
  if (rank < 1 || rank > 4)
    node.fail("expects 1 to 4 sizes, but got ", rank);
  for (size_t i = 0; i < rank && node.ok(); ++i)
    shape.size[i] = node.element(i).integer(dynamicSize, INT64_MAX);
  shape.rank = static_cast<int32_t>(node.ok() ? rank : 0);
  return shape;
}

ArrayType parseArrayType(const JsonNode &node) {
  return {parseDType(node.member("dtype")), parseShape(node.member("shape"))};
}

ArgumentKind parseKind(const JsonNode &node) {
  std::string name = node.string();
  for (ArgumentKind kind : {ArgumentKind::Array, ArgumentKind::Scalar, ArgumentKind::Mask})
    if (name == kindName(kind))
      return kind;
  node.fail("expects array, scalar or mask, but got '", name, "'");
  return ArgumentKind::Scalar;
}

MaskBlock parseMaskBlock(const JsonNode &node) {
  return {node.member("query_block").integer(1, 256), node.member("key_block").integer(1, 256)};
}

ArgumentInfo parseArgument(const JsonNode &node) {
  ArgumentInfo argument;
  argument.name = node.member("name").string();
  argument.kind = parseKind(node.member("kind"));
  if (argument.kind == ArgumentKind::Array)
    argument.array = parseArrayType(node);
  if (argument.kind == ArgumentKind::Mask)
    argument.block = parseMaskBlock(node);
  return argument;
}

Operand parseOperand(const JsonNode &node, const FunctionInfo &function) {
  struct Choice {
    const char *key;
    Operand::Kind kind;
    size_t count;
  };
  const Choice choices[] = {{"argument", Operand::Kind::Argument, function.arguments.size()},
                            {"result", Operand::Kind::Result, function.results.size()},
                            {"buffer", Operand::Kind::Buffer, function.buffers.size()}};
  for (const Choice &choice : choices)
    if (node.has(choice.key))
      return {choice.kind, node.member(choice.key).index(choice.count)};
  node.fail("expects an argument, a result or a buffer, but got none of these keys");
  return {};
}

size_t parseKernelReference(const JsonNode &node, const std::vector<KernelInfo> &kernels) {
  std::string name = node.string();
  auto found = std::find_if(kernels.begin(), kernels.end(), [&](const KernelInfo &k) { return k.name == name; });
  if (found == kernels.end())
    node.fail("expects the name of a kernel, but got '", name, "'");
  return static_cast<size_t>(found - kernels.begin());
}

Step parseStep(const JsonNode &node, const FunctionInfo &function, const std::vector<KernelInfo> &kernels) {
  Step step;
  JsonNode names = node.member("kernels");
  if (names.size() == 0)
    names.fail("expects at least 1 kernel, but got 0");
  for (size_t i = 0, count = names.size(); i < count && node.ok(); ++i)
    step.kernels.push_back(parseKernelReference(names.element(i), kernels));
  step.query = parseOperand(node.member("query"), function);
  step.key = parseOperand(node.member("key"), function);
  step.value = parseOperand(node.member("value"), function);
  JsonNode captures = node.member("captures");
  for (size_t i = 0, count = captures.size(); i < count && node.ok(); ++i)
    step.captures.push_back(captures.element(i).member("argument").index(function.arguments.size()));
  if (node.has("sequences")) {
    JsonNode sequences = node.member("sequences");
    auto argument = [&](const char *key) -> std::optional<size_t> {
      if (!sequences.has(key))
        return std::nullopt;
      return sequences.member(key).member("argument").index(function.arguments.size());
    };
    step.sequences = {argument("q_lengths"), argument("k_lengths"), argument("q_offsets"), argument("k_offsets")};
  }
  if (node.has("partial")) {
    JsonNode partial = node.member("partial");
    step.partial = {parseOperand(partial.member("output"), function), parseOperand(partial.member("lse"), function)};
  }
  step.output = parseOperand(node.member("output"), function);
  if (node.has("lse"))
    step.lse = parseOperand(node.member("lse"), function);
  return step;
}

FunctionInfo parseFunction(const JsonNode &node, const std::vector<KernelInfo> &kernels) {
  FunctionInfo function;
  function.name = node.member("name").string();
  JsonNode arguments = node.member("arguments");
  for (size_t i = 0, count = arguments.size(); i < count && node.ok(); ++i)
    function.arguments.push_back(parseArgument(arguments.element(i)));
  JsonNode results = node.member("results");
  for (size_t i = 0, count = results.size(); i < count && node.ok(); ++i)
    function.results.push_back(parseArrayType(results.element(i)));
  JsonNode buffers = node.member("buffers");
  for (size_t i = 0, count = buffers.size(); i < count && node.ok(); ++i)
    function.buffers.push_back(parseArrayType(buffers.element(i)));
  JsonNode steps = node.member("steps");
  for (size_t i = 0, count = steps.size(); i < count && node.ok(); ++i)
    function.steps.push_back(parseStep(steps.element(i), function, kernels));
  return function;
}

/// What the elements of an array stand for; positions where it says nothing.
bool parsePerBatch(const JsonNode &node, int32_t rank) {
  if (!node.has("per"))
    return false;
  JsonNode per = node.member("per");
  std::string name = per.string();
  if (name != "batch" || rank != 1)
    per.fail("expects an array of rank 1 per batch, but got one of rank ", rank, " per '", name, "'");
  return true;
}

/// What part of the kernel an array belongs to; the pattern where it says nothing.
bool parseOfScores(const JsonNode &node) {
  if (!node.has("of"))
    return false;
  JsonNode of = node.member("of");
  std::string name = of.string();
  if (name != "scores")
    of.fail("expects an array of the pattern, or of scores, but got '", name, "'");
  return true;
}

ArrayForm parseForm(const JsonNode &node) {
  std::string name = node.string();
  for (ArrayForm form : {ArrayForm::Elements, ArrayForm::Tree, ArrayForm::Bits})
    if (name == formName(form))
      return form;
  node.fail("expects elements, tree or bits, but got '", name, "'");
  return ArrayForm::Elements;
}

CaptureInfo parseCapture(const JsonNode &node) {
  CaptureInfo capture;
  capture.kind = parseKind(node.member("kind"));
  if (capture.kind == ArgumentKind::Scalar && node.has("least"))
    capture.least = node.member("least").integer(-maxLength, maxLength);
  if (capture.kind == ArgumentKind::Mask)
    capture.block = parseMaskBlock(node);
  if (capture.kind != ArgumentKind::Array)
    return capture;
  capture.dtype = parseDType(node.member("dtype"));
  capture.ofScores = parseOfScores(node);
  capture.rank = static_cast<int32_t>(node.member("rank").integer(1, capture.ofScores ? 4 : 3));
  capture.perBatch = parsePerBatch(node, capture.rank);
  capture.sorted = node.has("sorted") && node.member("sorted").boolean();
  if (capture.sorted && capture.dtype != DType::I32)
    node.fail("expects sorted elements of an i32 array only, but got ", dtypeName(capture.dtype));
  if (node.has("form"))
    capture.form = parseForm(node.member("form"));
  if (capture.form != ArrayForm::Elements && capture.dtype != DType::I32)
    node.fail("expects a table of an i32 array only, but got ", dtypeName(capture.dtype));
  capture.pyramid = node.has("pyramid") && node.member("pyramid").boolean();
  if (capture.pyramid && capture.dtype != DType::I32)
    node.fail("expects a pyramid of an i32 array only, but got ", dtypeName(capture.dtype));
  if (capture.pyramid && (capture.rank > 2 || capture.form != ArrayForm::Elements))
    node.fail("expects a pyramid of the elements of an array of rank 1 or 2 only, but got rank ", capture.rank, " and ",
              formName(capture.form));
  if (capture.pyramid && capture.ofScores)
    node.fail("expects a pyramid of an array of the pattern only, but got one of scores");
  return capture;
}

/// Checks that what only one kind of variant has is there for no other.
void expectAbsent(const JsonNode &node, const char *key, const char *owner) {
  if (node.has(key))
    node.member(key).fail("expects no value but for ", owner, ", but got one");
}

/// Parses what sets the two kinds of variants apart.
void parseCode(const JsonNode &node, const KernelInfo &kernel, bool isForGpu, Variant &variant) {
  JsonNode entries = node.member("entries");
  if (!isForGpu) {
    variant.entries.items = entries.member("items").index(UINT32_MAX);
    expectAbsent(entries, "simulate", "a GPU");
    expectAbsent(node, "device", "a GPU");
    return;
  }
  expectAbsent(entries, "items", "the CPU");
  variant.entries.simulate = entries.optionalIndex("simulate");
  variant.device = parseDevice(node.member("device"), kernel.dtype);
  if (!variant.device->ptx && !variant.device->cubin && !variant.entries.simulate)
    node.member("device").fail("expects ptx, a cubin or an entry 'simulate', but got none");
}

double parseCost(const JsonNode &node) {
  double cost = node.number();
  if (!(cost >= 0 && cost <= maxCost))
    node.fail("expects a number from 0 to ", maxCost, ", but got ", cost);
  return cost;
}

/// Checks that a tile is made of blocks of a mask, or a block of tiles: the words of partial tiles rely on it.
void checkTile(const JsonNode &node, int64_t tile, int64_t block) {
  if (tile % block != 0 && block % tile != 0)
    node.fail("expects a multiple or a divisor of ", block, ", as the blocks of a mask have, but got ", tile);
}

Variant parseVariant(const JsonNode &node, const KernelInfo &kernel, bool isForGpu) {
  Variant variant;
  variant.level = node.member("level").string();
  JsonNode features = node.member("features");
  for (size_t i = 0, count = features.size(); i < count && node.ok(); ++i)
    variant.features.push_back(features.element(i).string());
  variant.tileQ = node.member("tile_q").integer(1, maxTile);
  variant.tileK = node.member("tile_k").integer(1, maxTile);
  for (const CaptureInfo &capture : kernel.captures) {
    if (capture.kind != ArgumentKind::Mask)
      continue;
    checkTile(node.member("tile_q"), variant.tileQ, capture.block.queries);
    checkTile(node.member("tile_k"), variant.tileK, capture.block.keys);
  }
  variant.scratchBytes = node.member("scratch_bytes").integer(0, isForGpu ? 0 : maxScratchBytes);
  if (node.has("costs")) {
    JsonNode costs = node.member("costs");
    variant.costs = {parseCost(costs.member("item")), parseCost(costs.member("partial")),
                     parseCost(costs.member("full"))};
  }
  parseCode(node, kernel, isForGpu, variant);
  JsonNode entries = node.member("entries");
  variant.entries.work = entries.member("work").index(UINT32_MAX);
  variant.entries.predicate = entries.member("predicate").index(UINT32_MAX);
  bool readsForScores = std::any_of(kernel.captures.begin(), kernel.captures.end(),
                                    [](const CaptureInfo &capture) { return capture.ofScores; });
  variant.entries.score = entries.optionalIndex("score");
  if (readsForScores)
    variant.entries.score = entries.member("score").index(UINT32_MAX);
  variant.entries.tiles = entries.optionalIndex("tiles");
  if (kernel.schedule == KernelInfo::Schedule::Listed)
    variant.entries.plan = entries.member("plan").index(UINT32_MAX);
  return variant;
}

KernelInfo::Schedule parseSchedule(const JsonNode &node) {
  std::string name = node.string();
  if (name != "ranges" && name != "listed")
    node.fail("expects ranges or listed, but got '", name, "'");
  return name == "listed" ? KernelInfo::Schedule::Listed : KernelInfo::Schedule::Ranges;
}

KernelInfo parseKernel(const JsonNode &node, bool isForGpu) {
  KernelInfo kernel;
  kernel.name = node.member("name").string();
  kernel.pattern = node.member("pattern").string();
  kernel.dtype = parseDType(node.member("dtype"));
  if (kernel.dtype == DType::I32)
    node.member("dtype").fail("expects f32, f16 or bf16, but got 'i32'");
  kernel.headSize = node.member("head_size").integer(1, maxHeadSize);
  kernel.scale = node.member("scale").number();
  kernel.lse = node.member("lse").boolean();
  kernel.sequences = node.has("sequences") && node.member("sequences").boolean();
  kernel.resumes = node.has("resumes") && node.member("resumes").boolean();
  JsonNode captures = node.member("captures");
  if (captures.size() > maxCaptures)
    captures.fail("expects at most ", maxCaptures, " captures, but got ", captures.size());
  for (size_t i = 0, count = captures.size(); i < count && node.ok(); ++i)
    kernel.captures.push_back(parseCapture(captures.element(i)));
  kernel.schedule = parseSchedule(node.member("schedule"));
  if (node.has("modulo"))
    kernel.modulo = node.member("modulo").integer(1, maxLength);
  JsonNode dependsOn = node.member("depends_on");
  kernel.dependsOnBatch = dependsOn.member("batch").boolean();
  kernel.dependsOnHead = dependsOn.member("head").boolean();
  JsonNode variants = node.member("variants");
  if (variants.size() == 0)
    variants.fail("expects at least 1 variant, but got 0");
  if (isForGpu && variants.size() > 1)
    variants.fail("expects 1 variant for a GPU, but got ", variants.size());
  for (size_t i = 0, count = variants.size(); i < count && node.ok(); ++i)
    kernel.variants.push_back(parseVariant(variants.element(i), kernel, isForGpu));
  return kernel;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// The GPU of a target name; nothing where it names none. The last digit is the minor number.
std::optional<GpuTarget> parseGpu(std::string name) {
  GpuTarget gpu;
  gpu.exact = !name.empty() && name.back() == 'a';
  if (gpu.exact)
    name.pop_back();
  if (name.rfind("sm_", 0) != 0 || name.size() < 5 || name.size() > 6 ||
      !std::all_of(name.begin() + 3, name.end(), isDigit) || name[3] == '0')
    return std::nullopt;
  int32_t number = std::stoi(name.substr(3));
  gpu.major = number / 10;
  gpu.minor = number % 10;
  return gpu;
}

bool isIdentifier(const std::string &name) {
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && isLetter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return isLetter(c) || isDigit(c); });
}

Manifest parseRoot(const JsonNode &root) {
  Manifest manifest;
  manifest.module = root.member("module").string();
  if (!isIdentifier(manifest.module))
    root.member("module").fail("expects a C identifier, but got '", manifest.module, "'");
  manifest.target = root.member("target").string();
  manifest.gpu = parseGpu(manifest.target);
  if (!manifest.gpu && manifest.target != "cpu")
    root.member("target").failAs(StatusCode::Unsupported, "expects cpu or a GPU such as sm_80, but got '",
                                 manifest.target, "'");
  manifest.compiler = root.member("compiler").string();
  std::set<std::string> names;
  JsonNode kernels = root.member("kernels");
  for (size_t i = 0, count = kernels.size(); i < count && root.ok(); ++i) {
    manifest.kernels.push_back(parseKernel(kernels.element(i), manifest.gpu.has_value()));
    if (!names.insert(manifest.kernels.back().name).second)
      kernels.element(i).fail("expects a name of its own, but got '", manifest.kernels.back().name, "' again");
  }
  names.clear();
  JsonNode functions = root.member("functions");
  for (size_t i = 0, count = functions.size(); i < count && root.ok(); ++i) {
    manifest.functions.push_back(parseFunction(functions.element(i), manifest.kernels));
    if (!names.insert(manifest.functions.back().name).second)
      functions.element(i).fail("expects a name of its own, but got '", manifest.functions.back().name, "' again");
    if (root.ok())
      checkFunction(functions.element(i), manifest.functions.back(), manifest.kernels);
  }
  return manifest;
}

uint32_t readWord(const unsigned char *bytes) {
  return bytes[0] | uint32_t(bytes[1]) << 8 | uint32_t(bytes[2]) << 16 | uint32_t(bytes[3]) << 24;
}

} // namespace

const FunctionInfo *Manifest::findFunction(const std::string &name) const {
  for (const FunctionInfo &function : functions)
    if (function.name == name)
      return &function;
  return nullptr;
}

Result<Manifest> parseManifest(const void *section, size_t bytes) {
  const unsigned char *begin = static_cast<const unsigned char *>(section);
  if (!begin || bytes < manifestHeaderBytes)
    return makeError(StatusCode::InvalidArgument, "expects a manifest of at least ", manifestHeaderBytes,
                     " bytes, but got ", begin ? bytes : 0);
  if (std::memcmp(begin, magic, sizeof(magic)) != 0)
    return makeError(StatusCode::InvalidArgument, "expects a manifest that starts with SPRSATTN, but got other bytes");
  uint32_t version = readWord(begin + 8);
  if (version != manifestVersion)
    return makeError(StatusCode::VersionMismatch, "expects artifact format version ", manifestVersion, ", but got ",
                     version);
  uint32_t length = readWord(begin + 12);
  if (length > bytes - manifestHeaderBytes)
    return makeError(StatusCode::InvalidArgument, "expects ", length, " bytes of manifest text, but got ",
                     bytes - manifestHeaderBytes);
  const unsigned char *text = begin + manifestHeaderBytes;
  nlohmann::json json = nlohmann::json::parse(text, text + length, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return makeError(StatusCode::InvalidArgument, "expects a manifest in JSON, but got text that does not parse");
  Status status;
  Manifest manifest = parseRoot(JsonNode(json, "manifest", status));
  if (!status.isOk())
    return status;
  return manifest;
}

Status checkEntries(const Manifest &manifest, uint64_t entryCount, uint64_t blobCount) {
  auto check = [](const KernelInfo &kernel, const Variant &variant, const char *what, uint64_t count, uint64_t last) {
    if (last < count)
      return Status();
    return makeError(StatusCode::InvalidArgument, "kernel '", kernel.name, "' (", variant.level, "): expects ", what,
                     " below ", count, ", the image's number, but got ", last);
  };
  for (const KernelInfo &kernel : manifest.kernels)
    for (const Variant &variant : kernel.variants) {
      const EntryIndices &entries = variant.entries;
      uint64_t last = std::max({entries.items.value_or(0), entries.work, entries.predicate, entries.score.value_or(0),
                                entries.tiles.value_or(0), entries.plan.value_or(0), entries.simulate.value_or(0)});
      if (Status status = check(kernel, variant, "entries", entryCount, last); !status.isOk())
        return status;
      if (!variant.device)
        continue;
      for (std::optional<uint64_t> blob : {variant.device->ptx, variant.device->cubin})
        if (Status status = blob ? check(kernel, variant, "blobs", blobCount, *blob) : Status(); !status.isOk())
          return status;
    }
  return {};
}

} // namespace sparse_attn
