//===- FromPattern.cpp - The blocks that a pattern reads ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FromPattern.h"

#include "MaskFiles.h"

#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/Plan.h"
#include "support/Check.h"
#include "support/CompileModule.h"
#include "support/OpenArtifact.h"
#include "support/Progress.h"

#include <filesystem>
#include <sstream>

namespace sparse_attn::tools::mask {

namespace {

std::vector<std::string> compileFlags(const Options &options) {
  std::vector<std::string> flags;
  if (!options.cpu.empty())
    flags.push_back("--cpu=" + options.cpu);
  // An artifact has its tiles; whether they are those asked for is checked later.
  if (!isModule(options.inputs[0]))
    return flags;
  flags.push_back("--reindex=false");
  if (options.block) {
    flags.push_back("--tile-q=" + std::to_string(options.block->queries));
    flags.push_back("--tile-k=" + std::to_string(options.block->keys));
  }
  return flags;
}

/// Sizes of the arrays of a function, from the command line where the function leaves them open.
class ArraySizes {
public:
  ArraySizes(const FunctionInfo &function, const Options &options) : function(function) {
    int64_t keyHeads = fixed({Role::Key, Role::Value}, 1).value_or(1);
    // Query heads are a multiple of the key heads.
    int64_t leastHeads = (options.head + keyHeads) / keyHeads * keyHeads;
    int64_t batches =
        chooseSize("--batches", options.batches, fixed({Role::Query, Role::Key, Role::Value}, 0), options.batch + 1);
    int64_t queryHeads = chooseSize("--heads", options.heads, fixed({Role::Query}, 1), leastHeads);
    int64_t queries = chooseSize("--queries", options.queries, fixed({Role::Query}, 2), std::nullopt);
    int64_t keys = chooseSize("--keys", options.keys, fixed({Role::Key, Role::Value}, 2), queries);
    query = {4, {batches, queryHeads, queries, 0}};
    key = {4, {batches, keyHeads, keys, 0}};
  }

  /// The size of argument `index`, which is a query, key or value.
  Shape shapeOf(size_t index) const {
    Shape shape = roleOf(function, index) == Role::Query ? query : key;
    shape.size[3] = function.arguments[index].array.shape.size[3];
    return shape;
  }

private:
  std::optional<int64_t> fixed(std::initializer_list<Role> roles, size_t dimension) const {
    for (Role role : roles)
      if (std::optional<int64_t> size = fixedSize(function, role, dimension))
        return size;
    return std::nullopt;
  }

  int64_t chooseSize(const char *option, std::optional<int64_t> given, std::optional<int64_t> fixedBy,
                     std::optional<int64_t> fallback) const {
    if (given && fixedBy && *given != *fixedBy)
      fail(option, " expects ", *fixedBy, ", which function '", function.name, "' fixes, but got ", *given);
    std::optional<int64_t> size = given ? given : fixedBy ? fixedBy : fallback;
    if (!size)
      fail("expects ", option, "=N, which function '", function.name, "' leaves open");
    return *size;
  }

  const FunctionInfo &function;
  Shape query, key;
};

/// The plan of a function, made without queries, keys and values.
std::shared_ptr<const Plan> preparePlan(const std::shared_ptr<const Artifact> &artifact, const FunctionInfo &function,
                                        Arguments &arguments, const Options &options) {
  ArraySizes sizes(function, options);
  arguments = bindArguments(function, options.files, [&](size_t index, Array &) {
    return makeArray(nullptr, function.arguments[index].array.dtype, sizes.shapeOf(index));
  });
  return valueOf(Plan::prepare(artifact, function.name, arguments.values));
}

void checkIndex(const char *option, int64_t index, int64_t count, const Plan &plan) {
  if (index >= count)
    fail(option, " expects a number below ", count, ", which function '", plan.function().name, "' has, but got ",
         index);
}

StepInfo findStep(const Plan &plan, const Options &options) {
  checkIndex("--step", options.step, static_cast<int64_t>(plan.stepCount()), plan);
  StepInfo step = plan.step(static_cast<size_t>(options.step));
  checkIndex("--batch", options.batch, step.query.size[0], plan);
  checkIndex("--head", options.head, step.query.size[1], plan);
  const Variant &variant = *step.variant;
  if (options.block && (options.block->queries != variant.tileQ || options.block->keys != variant.tileK))
    fail("--block expects ", variant.tileQ, "x", variant.tileK, ", the tile of ", options.inputs[0], ", but got ",
         options.block->queries, "x", options.block->keys);
  return step;
}

int64_t divideUp(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

int64_t itemsOfHead(const StepInfo &step) { return divideUp(step.query.size[2], step.variant->tileQ); }

/// The tiles of one batch.
BlockGrid gridOf(const StepInfo &step, const Sequence &sequence) {
  int64_t tileQ = step.variant->tileQ, tileK = step.variant->tileK;
  int64_t rows = divideUp(sequence.queries, tileQ), columns = divideUp(sequence.keys, tileK);
  if (step.kernel->modulo != 1)
    fail("expects a kernel with tiles of neighbouring positions, but got '", step.kernel->name,
         "', whose tiles hold positions ", step.kernel->modulo, " apart; compile with --reindex=false");
  if (step.items != step.query.size[0] * step.query.size[1] * itemsOfHead(step))
    fail("expects a kernel whose items are tiles of successive queries, but got '", step.kernel->name, "'");
  BlockGrid grid{static_cast<uint32_t>(rows), static_cast<uint32_t>(columns), static_cast<uint32_t>(tileQ),
                 static_cast<uint32_t>(tileK)};
  check(grid.check());
  return grid;
}

/// Adds key blocks of row q, of which long runs ascend.
void addRuns(BlockMaskBuilder &builder, uint32_t q, const std::vector<uint32_t> &blocks) {
  for (size_t first = 0; first < blocks.size();) {
    size_t past = first + 1;
    while (past < blocks.size() && blocks[past] == blocks[past - 1] + 1)
      ++past;
    check(builder.addRange(q, blocks[first], blocks[past - 1] + 1));
    first = past;
  }
}

std::string makeTitle(const StepInfo &step, const Sequence &sequence, const Options &options) {
  std::ostringstream title;
  title << "@" << step.kernel->pattern << " of " << std::filesystem::path(options.inputs[0]).filename().string() << ": "
        << sequence.queries << " queries, " << sequence.keys << " keys";
  if (step.kernel->dependsOnBatch || step.kernel->sequences)
    title << ", batch " << options.batch;
  if (step.kernel->dependsOnHead)
    title << ", head " << options.head;
  return title.str();
}

} // namespace

const std::vector<const char *> patternOptions = {"--function", "--step", "--batches", "--heads",
                                                  "--capture",  "--mask", "--cpu",     "--write-partial"};

bool isPatternFile(const std::string &path) {
  return isModule(path) || std::filesystem::path(path).extension() == ".so";
}

PatternBlocks findPatternBlocks(const Options &options) {
  std::shared_ptr<const Artifact> artifact = openArtifact(options.inputs[0], compileFlags(options));
  const FunctionInfo &function = findFunction(artifact->manifest(), options.function);
  Arguments arguments;
  std::shared_ptr<const Plan> plan = preparePlan(artifact, function, arguments, options);
  StepInfo step = findStep(*plan, options);
  Sequence sequence = step.sequenceOf(options.batch);
  BlockGrid grid = gridOf(step, sequence);
  BlockMaskBuilder read(grid), cut(grid);
  int64_t firstItem = (options.batch * step.query.size[1] + options.head) * itemsOfHead(step);
  std::vector<uint32_t> partial, full;
  Progress progress("listing blocks", grid.queryBlocks);
  for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
    check(plan->visitedTiles(static_cast<size_t>(options.step), firstItem + q, partial, full));
    addRuns(cut, q, partial);
    addRuns(read, q, partial);
    addRuns(read, q, full);
    progress.advance();
  }
  FreezeOptions freeze = freezeOptions(options);
  return {makeTitle(step, sequence, options), valueOf(read.freeze(freeze)), valueOf(cut.freeze(freeze)),
          step.budgetExceeded};
}

} // namespace sparse_attn::tools::mask
