//===- Options.h - The command line ----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_OPTIONS_H
#define SPARSE_ATTN_RUN_OPTIONS_H

#include "RunDevice.h"
#include "sparse_attn/Value.h"
#include "support/Arguments.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sparse_attn::tools::run {

/// Sizes given to --random. What is absent comes from the function's declaration.
struct RandomShape {
  std::optional<int64_t> batch, queryHeads, keyHeads, queries, keys, headSize;
  std::optional<DType> dtype;
};

struct Options {
  std::string input;    ///< A module (.mlir) or an artifact.
  std::string function; ///< Empty: the only one.
  DeviceOptions device;
  int threads = 0; ///< 0: all cores.

  ArgumentFiles files;
  std::optional<RandomShape> random;
  uint64_t seed = 0;

  std::optional<double> sparsity; ///< The share of tiles for which captured numbers are chosen.

  std::vector<std::string> outputs, logSumExps, rowMaxima,
      columnSums;                   ///< .npy files to write, in the order of the function's results.
  std::vector<std::string> weights; ///< Folders to write offsets.npy, indices.npy and values.npy to.
  bool verify = false;
  int timedRuns = 0; ///< 0: no measurement.
  std::string json;
  std::string tiles; ///< .npy file for the visited tiles; empty: not written.

  std::vector<std::string> compileFlags; ///< Passed on to sparse-attn-compile, besides those of the device.
};

/// The text of --help.
std::string helpText();

/// Parses a command line; throws an InputError that names the option. Returns nothing where --help or --version was
/// given and answered.
std::optional<Options> parseOptions(int argc, char **argv);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_OPTIONS_H
