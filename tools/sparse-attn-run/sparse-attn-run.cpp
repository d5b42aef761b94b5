//===- sparse-attn-run.cpp - Runs, checks and measures an artifact ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"
#include "LaunchArrays.h"
#include "Options.h"
#include "Pairs.h"
#include "Report.h"
#include "Results.h"
#include "RunDevice.h"
#include "Timing.h"
#include "Verify.h"
#include "VisitedTiles.h"
#include "support/AtomicFile.h"
#include "support/Check.h"
#include "support/Npy.h"
#include "support/OpenArtifact.h"
#include "support/ToolMain.h"

#include "sparse_attn/Artifact.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/Plan.h"
#include "sparse_attn/Sparsity.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

using namespace sparse_attn;
using namespace sparse_attn::tools;
using namespace sparse_attn::tools::run;

namespace {

/// The files to write. They are opened before the work, so that a path that cannot be written costs no time, and
/// appear only at its end.
class OutputFiles {
public:
  OutputFiles(const Options &options, const Manifest &manifest, const FunctionInfo &function) {
    ResultKinds kinds(manifest, function);
    addArrays("--out", "outputs", options.outputs, kinds.outputs);
    addArrays("--lse", "log-sum-exps", options.logSumExps, kinds.logSumExps);
    addArrays("--row-max", "row maxima", options.rowMaxima, kinds.rowMaxima);
    addArrays("--column-sums", "sums of weights", options.columnSums, kinds.columnSums);
    addArrays("--weights", "attention weights", filesOfWeights(options.weights), kinds.weights);
    if (!options.json.empty())
      json.emplace(options.json);
    if (!options.tiles.empty())
      tiles.emplace(options.tiles);
  }

  void writeReport(const Report &report) {
    if (!json)
      return;
    json->write(toJson(report));
    json->commit();
  }

  /// Written whatever a verification finds, to tell why.
  void writeTiles(const Plan &plan) {
    if (!tiles)
      return;
    writeNpy(*tiles, visitedTiles(plan));
    tiles->commit();
  }

  void writeArrays(const Results &results) {
    for (auto &[result, file] : arrays)
      writeNpy(*file, results.arrays[result]);
    for (auto &[result, file] : arrays)
      file->commit();
  }

private:
  static std::vector<std::string> filesOfWeights(const std::vector<std::string> &folders) {
    std::vector<std::string> files;
    for (const std::string &folder : folders)
      for (const char *part : {"offsets", "indices", "values"})
        files.push_back((std::filesystem::path(folder) / part).string() + ".npy");
    return files;
  }

  void addArrays(const char *option, const char *what, const std::vector<std::string> &paths,
                 const std::vector<size_t> &results) {
    if (paths.size() > results.size())
      fail(option, " expects a function that returns ", what, ", once for each time it is given, but got ",
           results.size(), " arrays for ", paths.size());
    for (size_t i = 0; i < paths.size(); ++i)
      arrays.emplace_back(results[i], std::make_unique<AtomicFile>(paths[i]));
  }

  std::vector<std::pair<size_t, std::unique_ptr<AtomicFile>>> arrays; ///< With the number of the result.
  std::optional<AtomicFile> json;
  std::optional<AtomicFile> tiles;
};

/// Chooses the numbers that the command line leaves open, where it asks for a share of tiles.
void chooseNumbers(const Options &options, const std::shared_ptr<const Artifact> &artifact,
                   const FunctionInfo &function, const PrepareOptions &prepareOptions, Arguments &inputs) {
  if (!options.sparsity)
    return;
  if (inputs.openNumbers.empty())
    fail("--sparsity expects a captured number of function '", function.name, "' that is not given, but got none");
  int64_t value = valueOf(
      fitSparsity(artifact, function.name, inputs.values, inputs.openNumbers, *options.sparsity, prepareOptions));
  for (size_t index : inputs.openNumbers)
    inputs.values[index] = makeScalar(value);
}

/// Looks into the masked tiles of all steps.
std::optional<TileDensity> measureDensity(const Plan &plan) {
  TileDensity density;
  for (size_t step = 0; step < plan.stepCount(); ++step) {
    std::optional<TileDensity> found = measureTileDensity(plan, step);
    if (!found)
      return std::nullopt;
    density += *found;
  }
  return density;
}

/// Counts pairs and operations over all steps.
void countWork(const Plan &plan, Report &report) {
  report.pairs = PairCount();
  report.operations = 0;
  for (size_t s = 0; s < plan.stepCount(); ++s) {
    bool known = plan.stepCount() == 1 && report.verification && report.verification->activePairs;
    PairCount step = known ? PairCount{*report.verification->activePairs, false} : countPairs(plan, s);
    report.pairs->pairs += step.pairs;
    report.pairs->estimated |= step.estimated;
    StepInfo info = plan.step(s);
    report.visitedPairs += (info.tiles.partial + info.tiles.full) * info.variant->tileQ * info.variant->tileK;
    // Weights take one product of the two.
    double products = info.kernel->isOverBlocks() ? 2.0 : 4.0;
    *report.operations += products * static_cast<double>(step.pairs) * static_cast<double>(info.kernel->headSize);
  }
}

Report startReport(const Plan &plan, const RunDevice &device) {
  Report report;
  report.device = device.kind;
  report.deviceDescription = device.description();
  report.deviceBytes = plan.deviceBytes();
  report.function = plan.function().name;
  report.level = plan.stepCount() ? plan.step(0).variant->level : "none";
  report.threads = threadCount();
  report.tiles = plan.tiles();
  for (size_t s = 0; s < plan.stepCount(); ++s)
    report.steps.push_back(plan.step(s));
  report.budgetExceeded = plan.budgetExceeded();
  return report;
}

ExitCode runFunction(const Options &options) {
  check(setThreadCount(options.threads));
  RunDevice device;
  std::shared_ptr<const Artifact> artifact = openForDevice(options.input, options.device, options.compileFlags, device);
  const FunctionInfo &function = findFunction(artifact->manifest(), options.function);
  OutputFiles files(options, artifact->manifest(), function);
  Arguments inputs = bindInputs(function, options);
  PrepareOptions prepareOptions;
  prepareOptions.accelerator = device.accelerator;
  chooseNumbers(options, artifact, function, prepareOptions, inputs);
  std::shared_ptr<const Plan> plan = valueOf(Plan::prepare(artifact, function.name, inputs.values, prepareOptions));
  Results results(*plan);
  LaunchArrays arrays(device, *plan, inputs, results);
  auto launch = [&] { arrays.launch(); };

  Report report = startReport(*plan, device);
  for (size_t index : inputs.openNumbers)
    report.chosen.emplace_back(function.arguments[index].name, inputs.values[index].scalar);
  if (options.timedRuns)
    report.milliseconds = medianMilliseconds(options.timedRuns, launch);
  else
    launch();
  arrays.fetch();
  if (options.verify)
    report.verification = verify(*plan, inputs, results);
  if (options.timedRuns || options.verify || !options.json.empty()) {
    countWork(*plan, report);
    report.density = measureDensity(*plan);
  }

  print(std::cout, report);
  std::cout.flush();
  files.writeReport(report);
  files.writeTiles(*plan);
  if (report.verification && !report.verification->passed()) {
    std::cerr << "sparse-attn-run: error: the error exceeds the tolerance; outputs are not written\n";
    return Refused;
  }
  files.writeArrays(results);
  return Success;
}

} // namespace

int main(int argc, char **argv) {
  return runTool("sparse-attn-run", [&] {
    std::optional<Options> options = parseOptions(argc, argv);
    return options ? runFunction(*options) : Success;
  });
}
