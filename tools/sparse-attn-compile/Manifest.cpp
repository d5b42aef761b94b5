//===- Manifest.cpp - What the runtime has to know ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions and kernels as JSON, in the format of docs/artifact.md. Functions
// come from the launches that fuse-softmax left, kernels from the tile program.
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/KernelParts.h"
#include "passes/Tiling.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::sparse_attn;
namespace json = llvm::json;

namespace mlir::sparse_attn::compile {

static std::string getTypeName(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static json::Object describeArray(ShapedType type) {
  json::Array shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return json::Object{{"dtype", getTypeName(type.getElementType())}, {"shape", std::move(shape)}};
}

namespace {

/// One function: which array each launch reads and writes.
class FunctionDescription {
public:
  FunctionDescription(func::FuncOp function, llvm::ArrayRef<std::string> argumentNames)
      : function(function), argumentNames(argumentNames) {}

  json::Object build();

private:
  json::Array describeArguments();
  json::Object describeStep(LaunchOp launch);
  json::Object describeSequences(LaunchOp launch);
  json::Object place(Value value) { return json::Object(places.find(value)->second); }
  void placeResult(Value value);

  func::FuncOp function;
  llvm::ArrayRef<std::string> argumentNames;
  llvm::DenseMap<Value, json::Object> places;
  json::Array buffers;
};

json::Object describeMask(BlockMaskType mask) {
  return json::Object{{"kind", "mask"}, {"query_block", mask.getQueryBlock()}, {"key_block", mask.getKeyBlock()}};
}

json::Array FunctionDescription::describeArguments() {
  json::Array arguments;
  for (BlockArgument argument : function.getArguments()) {
    json::Object entry;
    if (auto shaped = dyn_cast<ShapedType>(argument.getType())) {
      entry = describeArray(shaped);
      entry["kind"] = "array";
    } else if (auto mask = dyn_cast<BlockMaskType>(argument.getType())) {
      entry = describeMask(mask);
    } else {
      entry["kind"] = "scalar";
    }
    entry["name"] = argumentNames[argument.getArgNumber()];
    arguments.push_back(std::move(entry));
    places[argument] = json::Object{{"argument", argument.getArgNumber()}};
  }
  return arguments;
}

/// The result that takes the place of a partial one, which is read for nothing else; null where there is none.
static Value findSuccessor(Value partial) {
  if (!partial.hasOneUse())
    return {};
  auto launch = dyn_cast<LaunchOp>(*partial.getUsers().begin());
  if (launch && launch.getPartialOutput() == partial)
    return launch.getOutput();
  return launch && launch.getPartialLse() == partial ? launch.getLse() : Value();
}

/// A value that the function returns goes to that result, a partial one to the place of what comes of it, and any other
/// to a buffer.
void FunctionDescription::placeResult(Value value) {
  if (places.count(value))
    return;
  if (Value successor = findSuccessor(value)) {
    placeResult(successor);
    places[value] = place(successor);
    return;
  }
  for (OpOperand &use : value.getUses())
    if (isa<func::ReturnOp>(use.getOwner())) {
      places[value] = json::Object{{"result", use.getOperandNumber()}};
      return;
    }
  places[value] = json::Object{{"buffer", static_cast<int64_t>(buffers.size())}};
  buffers.push_back(describeArray(cast<ShapedType>(value.getType())));
}

/// The lengths and offsets that there are.
json::Object FunctionDescription::describeSequences(LaunchOp launch) {
  json::Object sequences;
  auto add = [&](llvm::StringRef name, Value array) {
    if (array)
      sequences[name] = place(array);
  };
  add("q_lengths", launch.getQLengths());
  add("k_lengths", launch.getKLengths());
  add("q_offsets", launch.getQOffsets());
  add("k_offsets", launch.getKOffsets());
  return sequences;
}

json::Object FunctionDescription::describeStep(LaunchOp launch) {
  json::Array captures;
  for (Value capture : launch.getCaptures())
    captures.push_back(place(capture));
  placeResult(launch.getOutput());
  json::Array kernels;
  for (auto name : launch.getKernels().getAsRange<FlatSymbolRefAttr>())
    kernels.push_back(name.getValue());
  json::Object step{{"kernels", std::move(kernels)},   {"query", place(launch.getQuery())},
                    {"key", place(launch.getKey())},   {"value", place(launch.getValue())},
                    {"captures", std::move(captures)}, {"output", place(launch.getOutput())}};
  if (json::Object sequences = describeSequences(launch); !sequences.empty())
    step["sequences"] = std::move(sequences);
  if (launch.getPartialOutput())
    step["partial"] =
        json::Object{{"output", place(launch.getPartialOutput())}, {"lse", place(launch.getPartialLse())}};
  if (launch.getLse()) {
    placeResult(launch.getLse());
    step["lse"] = place(launch.getLse());
  }
  return step;
}

json::Object FunctionDescription::build() {
  json::Object description{{"name", function.getSymName()}, {"arguments", describeArguments()}};
  json::Array results, steps;
  for (Type type : function.getResultTypes())
    results.push_back(describeArray(cast<ShapedType>(type)));
  for (LaunchOp launch : function.getOps<LaunchOp>())
    steps.push_back(describeStep(launch));
  description["results"] = std::move(results);
  description["buffers"] = std::move(buffers);
  description["steps"] = std::move(steps);
  return description;
}

/// The least value that every parameter allows which a captured number stands for, if there is one.
std::optional<int64_t> getLeastValue(PatternOp pattern, unsigned capture) {
  std::optional<int64_t> least;
  pattern.walk([&](PatternOpInterface op) {
    for (const Parameter &parameter : op.getParameters())
      if (parameter.captured == pattern.getCaptures()[capture])
        least = std::max(least.value_or(parameter.least), parameter.least);
  });
  return least;
}

/// What all ops of the pattern together rely on in a captured array.
ArrayDemand getDemand(PatternOp pattern, unsigned capture) {
  ArrayDemand all{pattern.getCaptures()[capture]};
  pattern.walk([&](PatternOpInterface op) {
    for (const ArrayDemand &demand : op.getArrayDemands())
      if (demand.array == all.array) {
        all.perBatch |= demand.perBatch;
        all.sorted |= demand.sorted;
        all.form = demand.form; // The same for all, by pattern_c4.
      }
  });
  return all;
}

json::Object describeArray(MemRefType array, bool pyramid) {
  return json::Object{{"kind", "array"},
                      {"dtype", getTypeName(array.getElementType())},
                      {"rank", array.getRank()},
                      {"pyramid", pyramid}};
}

json::Object describeArray(MemRefType array, bool pyramid, const ArrayDemand &demand) {
  json::Object capture = describeArray(array, pyramid);
  if (demand.perBatch)
    capture["per"] = "batch";
  if (demand.sorted)
    capture["sorted"] = true;
  if (demand.form != ArrayForm::Elements)
    capture["form"] = getFormName(demand.form);
  return capture;
}

json::Object describeScoreArray(MemRefType array) {
  json::Object capture = describeArray(array, /*pyramid=*/false);
  capture["of"] = "scores";
  return capture;
}

json::Object describeScalar(std::optional<int64_t> least) {
  json::Object scalar{{"kind", "scalar"}};
  if (least && *least > -kMaxPosition)
    scalar["least"] = *least;
  return scalar;
}

json::Array describeCaptures(KernelParts parts) {
  json::Array captures;
  for (auto [index, capture, pyramid] : llvm::enumerate(parts.kernel.getCaptures(), parts.getPyramids())) {
    bool isOfPattern = index < parts.pattern.getCaptures().size();
    auto array = dyn_cast<MemRefType>(capture.getType());
    if (auto mask = dyn_cast<BlockMaskType>(capture.getType()))
      captures.push_back(describeMask(mask));
    else if (!array)
      captures.push_back(describeScalar(isOfPattern ? getLeastValue(parts.pattern, index) : std::nullopt));
    else
      captures.push_back(isOfPattern ? describeArray(array, bool(pyramid), getDemand(parts.pattern, index))
                                     : describeScoreArray(array));
  }
  return captures;
}

} // namespace

namespace {

/// Kernels, with the symbols and the data that their descriptions name by number.
class KernelDescription {
public:
  KernelDescription(const Request &request, const Compiled &compiled, std::vector<std::string> &entries, Blobs &blobs)
      : request(request), compiled(compiled), entries(entries) {
    std::string unused;
    tiling = std::move(*getTiling(request.target, unused)); // a target that was compiled for
    if (!compiled.device)
      return;
    const DeviceCode &device = *compiled.device;
    // A driver wants PTX as a string that ends.
    ptx = add(blobs, device.ptx + std::string(1, '\0'));
    if (!device.cubin.empty())
      cubin = add(blobs, device.cubin);
  }

  json::Object build(KernelOp kernel);

private:
  static int64_t add(Blobs &blobs, std::string data) {
    blobs.push_back(std::move(data));
    return static_cast<int64_t>(blobs.size()) - 1;
  }
  bool hasEntry(KernelParts parts, llvm::StringRef entry) const;
  json::Object describeVariant(const CompiledLevel &level, KernelParts parts);
  json::Object describeDevice(llvm::StringRef kernel);
  json::Object describeCosts(KernelOp kernel);

  const Request &request;
  const Compiled &compiled;
  std::vector<std::string> &entries;
  std::unique_ptr<Tiling> tiling;
  int64_t ptx = -1, cubin = -1;
};

bool KernelDescription::hasEntry(KernelParts parts, llvm::StringRef entry) const {
  if (entry == "items")
    return !compiled.device;
  if (entry == "plan")
    return bool(parts.plan);
  if (entry == "score")
    return bool(parts.score);
  if (entry == "simulate")
    return request.simulate;
  return true;
}

json::Object KernelDescription::describeDevice(llvm::StringRef kernel) {
  DictionaryAttr launch = compiled.device->launches.find(kernel.str())->second;
  auto number = [](DictionaryAttr from, llvm::StringRef name) { return cast<IntegerAttr>(from.get(name)).getInt(); };
  json::Array maps;
  for (auto map : cast<ArrayAttr>(launch.get("maps")).getAsRange<DictionaryAttr>()) {
    json::Object entry{{"array", cast<StringAttr>(map.get("array")).getValue()},
                       {"rows", number(map, "rows")},
                       {"columns", number(map, "columns")}};
    if (auto classes = map.getAs<StringAttr>("classes"))
      entry["classes"] = classes.getValue();
    maps.push_back(std::move(entry));
  }
  json::Object device{{"symbol", DeviceCode::getSymbol(request, kernel)},
                      {"threads", number(launch, "threads")},
                      {"shared_bytes", number(launch, "shared_bytes")},
                      {"blocks_per_multiprocessor", number(launch, "blocks_per_multiprocessor")},
                      {"persistent", cast<BoolAttr>(launch.get("persistent")).getValue()},
                      {"maps", std::move(maps)},
                      {"ptx", ptx}};
  if (cubin >= 0)
    device["cubin"] = cubin;
  return device;
}

json::Object KernelDescription::describeCosts(KernelOp kernel) {
  TilingProblem problem{kernel.getHeadSize(), kernel.getElementType()};
  TileCosts costs = tiling->estimate(problem, {int64_t(kernel.getTileQ()), int64_t(kernel.getTileK())});
  return json::Object{{"item", costs.item}, {"partial", costs.partial}, {"full", costs.full}};
}

json::Object KernelDescription::describeVariant(const CompiledLevel &level, KernelParts parts) {
  json::Object table;
  std::string kernel = parts.kernel.getSymName().str();
  for (const char *entry : kEntryNames) {
    if (!hasEntry(parts, entry))
      continue;
    table[entry] = static_cast<int64_t>(entries.size());
    entries.push_back(getEntrySymbol(request, level.level, kernel, entry));
  }
  auto scratch = level.scratchBytes.find(kernel);
  json::Object variant{{"level", level.level.name},
                       {"features", json::Array(level.features)},
                       {"tile_q", static_cast<int64_t>(parts.kernel.getTileQ())},
                       {"tile_k", static_cast<int64_t>(parts.kernel.getTileK())},
                       {"scratch_bytes", scratch == level.scratchBytes.end() ? 0 : scratch->second},
                       {"costs", describeCosts(parts.kernel)},
                       {"entries", std::move(table)}};
  if (compiled.device)
    variant["device"] = describeDevice(kernel);
  return variant;
}

json::Object KernelDescription::build(KernelOp kernel) {
  SymbolTable symbols(kernel->getParentOp());
  KernelParts parts = KernelParts::lookup(kernel, symbols);
  Dependence dependence = parts.pattern.getRoot().getDependence();
  json::Array variants;
  for (const CompiledLevel &level : compiled.levels)
    variants.push_back(describeVariant(level, parts));
  return json::Object{{"name", kernel.getSymName()},
                      {"pattern", kernel.getPattern()},
                      {"dtype", getTypeName(kernel.getElementType())},
                      {"head_size", kernel.getHeadSize()},
                      {"scale", kernel.getScale().convertToDouble()},
                      {"lse", bool(kernel.getLse())},
                      {"sequences", kernel.getSequences()},
                      {"resumes", kernel.getResumes()},
                      {"captures", describeCaptures(parts)},
                      {"schedule", parts.plan ? "listed" : "ranges"},
                      {"modulo", static_cast<int64_t>(kernel.getModulo())},
                      {"depends_on", json::Object{{"batch", dependence.batch}, {"head", dependence.head}}},
                      {"variants", std::move(variants)}};
}

} // namespace

json::Object buildManifest(const Request &request, const Input &input, const Compiled &compiled,
                           std::vector<std::string> &entries, Blobs &blobs) {
  ModuleOp module = compiled.tiles.get();
  json::Array functions, kernels;
  for (auto function : module.getOps<func::FuncOp>())
    functions.push_back(
        FunctionDescription(function, input.argumentNames.find(function.getSymName().str())->second).build());
  KernelDescription description(request, compiled, entries, blobs);
  for (auto kernel : module.getOps<KernelOp>())
    kernels.push_back(description.build(kernel));
  return json::Object{{"module", request.moduleName},
                      {"target", request.target},
                      {"compiler", SPARSE_ATTN_VERSION},
                      {"functions", std::move(functions)},
                      {"kernels", std::move(kernels)}};
}

} // namespace mlir::sparse_attn::compile
