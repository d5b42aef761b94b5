//===- Manifest.h - What an artifact says about itself --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The manifest is JSON from an untrusted file. It is parsed and checked once,
// into these structures, so that nothing behind this header sees JSON or has to
// doubt an index. docs/artifact.md defines the format.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MANIFEST_H
#define SPARSE_ATTN_MANIFEST_H

#include "sparse_attn/Accelerator.h"
#include "sparse_attn/Export.h"
#include "sparse_attn/Status.h"
#include "sparse_attn/Value.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace sparse_attn {

/// The format version that this runtime reads.
constexpr uint32_t manifestVersion = 2;
/// The magic and two words in front of the JSON text.
constexpr size_t manifestHeaderBytes = 16;
/// The most captures of a kernel, so that an argument block fits the stack.
constexpr size_t maxCaptures = 32;
/// The most tensor maps of a GPU kernel, so that they fit the stack, and with the block a kernel's parameters.
constexpr size_t maxTensorMaps = 8;
/// The longest sequence and the longest dimension of a captured array, in elements.
constexpr int64_t maxLength = int64_t(1) << 30;
/// A size that only `prepare` knows.
constexpr int64_t dynamicSize = -1;

/// Element type and sizes of an array; a size may be `dynamicSize`.
struct ArrayType {
  DType dtype = DType::F32;
  Shape shape;
};

enum class ArgumentKind { Array, Scalar, Mask };

/// "array", "scalar" or "mask".
SPARSE_ATTN_EXPORT const char *kindName(ArgumentKind kind);

/// The blocks of a mask, in tokens.
struct MaskBlock {
  int64_t queries = 0;
  int64_t keys = 0;

  bool operator==(const MaskBlock &other) const { return queries == other.queries && keys == other.keys; }
};

/// A parameter of a function: an array, a 64-bit integer, or a block mask.
struct ArgumentInfo {
  std::string name;
  ArgumentKind kind = ArgumentKind::Array;
  ArrayType array; ///< Of arrays only.
  MaskBlock block; ///< Of masks only.
};

/// What a step reads or writes, by its number in the function.
struct Operand {
  enum class Kind { Argument, Result, Buffer };
  Kind kind = Kind::Argument;
  size_t index = 0;
};

/// An output and its log-sum-exp.
struct PartialResult {
  Operand output, lse;
};

/// Numbers of the arguments that say where sequences are; see `attention`.
struct SequenceOperands {
  std::optional<size_t> queryLengths, keyLengths, queryOffsets, keyOffsets;

  bool any() const { return queryLengths || keyLengths || queryOffsets || keyOffsets; }
};

/// One run of one kernel. Everything it reads is an argument or written by an earlier step.
struct Step {
  /// Numbers in `Manifest::kernels`, at least one. They compute the same in tiles of different sizes, and `prepare`
  /// takes the one whose visited tiles cost least.
  std::vector<size_t> kernels;
  Operand query, key, value;
  std::vector<size_t> captures; ///< Numbers of arguments.
  SequenceOperands sequences;
  std::optional<PartialResult> partial; ///< What it goes on from, which may be in the place of its results.
  Operand output;
  std::optional<Operand> lse;
};

/// A function: steps in the order they run. Each result and buffer is written by one step, or by several of which each
/// but the first goes on from what is there.
struct FunctionInfo {
  std::string name;
  std::vector<ArgumentInfo> arguments;
  std::vector<ArrayType> results;
  std::vector<ArrayType> buffers;
  std::vector<Step> steps;
};

/// What kernels get in the place of a captured array: the array, or a table that `prepare` makes of it.
enum class ArrayForm {
  Elements,
  Tree, ///< Of the parents of nodes: where the descendants of each begin and end.
  Bits, ///< Of ascending numbers: which there are, and how many before each.
};

/// "elements", "tree" or "bits".
SPARSE_ATTN_EXPORT const char *formName(ArrayForm form);

/// A captured value of a kernel: of its pattern, or of its score region.
struct CaptureInfo {
  ArgumentKind kind = ArgumentKind::Array;
  MaskBlock block;                                     ///< Of masks only.
  int64_t least = std::numeric_limits<int64_t>::min(); ///< No smaller number is valid; of scalars only.
  DType dtype = DType::I32;                            ///< Of arrays only.
  int32_t rank = 1;                                    ///< 1, 2 for a row a batch, 3 for one a head; of arrays.
  bool perBatch = false;                               ///< Has one element for each batch; of arrays of rank 1 only.
  bool ofScores = false;                               ///< Of the score region, which takes any sizes; of arrays.
  bool sorted = false;                                 ///< Ascends, from 0 or more; i32 arrays only.
  ArrayForm form = ArrayForm::Elements;                ///< Tables are of i32 arrays only.
  bool pyramid = false;                                ///< The block gets its block minima and maxima; i32 arrays only.

  bool operator==(const CaptureInfo &other) const {
    return kind == other.kind && block == other.block && least == other.least && dtype == other.dtype &&
           rank == other.rank && perBatch == other.perBatch && ofScores == other.ofScores && sorted == other.sorted &&
           form == other.form && pyramid == other.pyramid;
  }
};

/// Numbers of a variant's functions in the image.
struct EntryIndices {
  std::optional<uint64_t> items; ///< Of CPU variants only, which all have it.
  uint64_t work = 0;
  uint64_t predicate = 0;
  std::optional<uint64_t> score;    ///< Of kernels with a score region, which all have it.
  std::optional<uint64_t> tiles;    ///< Of artifacts that can name the key tiles of an item.
  std::optional<uint64_t> plan;     ///< Of listed kernels only.
  std::optional<uint64_t> simulate; ///< The kernel for a simulated device; of GPU variants that have one.
};

/// A box of an array of a step that a GPU kernel copies at a time.
struct TensorBox {
  enum class Array { Query, Key, Value, Output };
  Array array = Array::Query;
  int32_t rows = 1;    ///< Along the length.
  int32_t columns = 8; ///< Along the head size.
  MapRows reach = MapRows::All;
};

/// "query", "key", "value" or "output".
SPARSE_ATTN_EXPORT const char *arrayName(TensorBox::Array array);

/// A kernel compiled for a GPU. It has an image: PTX, a cubin, or the entry `simulate`.
struct DeviceCode {
  std::string symbol;
  int32_t threads = 32; ///< Of a block.
  int32_t sharedBytes = 0;
  std::optional<uint64_t> ptx; ///< Numbers of blobs in the image.
  std::optional<uint64_t> cubin;
  bool persistent = false;             ///< Blocks take items from a counter, until there are no more.
  int32_t blocksPerMultiprocessor = 1; ///< That a persistent kernel starts.
  std::vector<TensorBox> maps;
};

/// What a kernel's work costs, in a unit that is the same for all kernels of a step.
struct WorkCosts {
  double item = 0; ///< A work item, without its key tiles.
  double partial = 0;
  double full = 0;
};

/// A kernel compiled for one CPU level, or for a GPU, with its host entries for one CPU level.
struct Variant {
  std::string level;
  std::vector<std::string> features; ///< LLVM spelling.
  int64_t tileQ = 1;                 ///< Query rows of a work item.
  int64_t tileK = 1;                 ///< Keys of a key tile.
  int64_t scratchBytes = 0;          ///< Private memory of a thread.
  WorkCosts costs;
  EntryIndices entries;
  std::optional<DeviceCode> device; ///< Of GPU variants only, which all have it.
};

/// A kernel: softmax(scale * query * key^T + pattern) * value.
struct KernelInfo {
  enum class Schedule { Ranges, Listed };
  std::string name;
  std::string pattern;
  DType dtype = DType::F32;
  int64_t headSize = 1;
  double scale = 1.0;
  bool lse = false;
  bool sequences = false; ///< Is for sequences of different lengths.
  bool resumes = false;   ///< Goes on from a partial result.
  std::vector<CaptureInfo> captures;
  Schedule schedule = Schedule::Ranges;
  /// Query tiles are those of rows 0, s, 2 s, ..., then those of rows 1, s + 1, ..., for this s; each of these classes
  /// counts as many as the longest. Key tiles are of the keys at the same positions modulo s. 1: of neighbours.
  int64_t modulo = 1;
  bool dependsOnBatch = true;
  bool dependsOnHead = true;
  std::vector<Variant> variants; ///< Most demanding first; at least one, and exactly one for a GPU.

  bool isForGpu() const { return !variants.empty() && variants.front().device; }
};

/// A compute capability, written sm_<major><minor> or sm_<major><minor>a.
struct GpuTarget {
  int32_t major = 0;
  int32_t minor = 0;
  bool exact = false; ///< Code runs on that capability only, not on later ones.
};

struct Manifest {
  std::string module;           ///< A C identifier.
  std::string target;           ///< "cpu", or a GPU: "sm_80", "sm_90a", ...
  std::optional<GpuTarget> gpu; ///< Nothing for the CPU.
  std::string compiler;
  std::vector<FunctionInfo> functions;
  std::vector<KernelInfo> kernels;

  /// The function of that name, or null.
  SPARSE_ATTN_EXPORT const FunctionInfo *findFunction(const std::string &name) const;
};

/// Reads section `.sparse_attn.manifest`, header included. `section` may hold any bytes.
///
/// Errors: VersionMismatch for another format version, Unsupported for another target, InvalidArgument, with the path
/// of the key, for everything else.
SPARSE_ATTN_EXPORT Result<Manifest> parseManifest(const void *section, size_t bytes);

/// Checks that every entry index of `manifest` is below `entryCount`, and every blob number below `blobCount`.
SPARSE_ATTN_EXPORT Status checkEntries(const Manifest &manifest, uint64_t entryCount, uint64_t blobCount);

} // namespace sparse_attn

#endif // SPARSE_ATTN_MANIFEST_H
