//===- HandWrittenGpuArtifact.cpp - An artifact for a GPU -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Follows docs/artifact.md by hand, like HandWrittenArtifact.cpp, for a GPU:
// host entries for the analysis, and kernels for a simulated device, of which
// thread 0 of each block does all the work, in plain loops over device memory.
// Where the extra words of the argument block are not what the document
// promises, a kernel writes nothing.
//
//===----------------------------------------------------------------------===//

#include "HandWrittenKernels.h"

#include <elf.h>

using namespace handwritten;

namespace {

/// Calls of a simulated kernel, by their place in the table.
enum class Call {
#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...) name,
#include "sparse_attn/SimulatorCalls.def"
};

int64_t ask(const void *const *calls, void *thread, Call call) {
  return reinterpret_cast<int32_t (*)(void *)>(const_cast<void *>(calls[static_cast<size_t>(call)]))(thread);
}

/// The words at the end of the block.
struct DeviceWords {
  explicit DeviceWords(const uint64_t *words)
      : items(static_cast<int64_t>(words[0])), order(reinterpret_cast<const uint32_t *>(words[1])),
        counter(reinterpret_cast<uint32_t *>(words[2])), counts(reinterpret_cast<const uint32_t *>(words[3])) {}

  int64_t item(int64_t position) const { return order ? order[position] : position; }

  int64_t items;
  const uint32_t *order;
  uint32_t *counter;
  const uint32_t *counts;
};

template <typename Pattern> struct GpuKernel : Kernel<Pattern, BF16> {
  using Base = Kernel<Pattern, BF16>;

  /// Do the counts of the item's row agree with its lists?
  static bool countsHold(const uint64_t *block, const DeviceWords &words, int64_t number) {
    if constexpr (Pattern::listed) {
      auto item = Base::split(block, number);
      const uint64_t *lists = block + Pattern::listWord;
      int64_t row = item.b * static_cast<int64_t>(lists[4]) + item.h * static_cast<int64_t>(lists[5]) + item.t;
      int64_t counts[2];
      Base::work(block, number, counts);
      return words.counts && words.counts[2 * row] == counts[0] && words.counts[2 * row + 1] == counts[1];
    }
    return !words.counts;
  }

  static void computePosition(const uint64_t *block, const DeviceWords &words, int64_t position) {
    float scores[scratchFloats];
    int64_t number = words.item(position);
    if (number < words.items && countsHold(block, words, number))
      Base::computeItem(block, number, scores);
  }

  /// One block an item.
  static void simulate(const void *const *calls, void *thread, const void *, const uint64_t *block) {
    DeviceWords words(block + Pattern::endWord);
    int64_t position = ask(calls, thread, Call::block_id);
    if (ask(calls, thread, Call::thread_id) == 0 && position < words.items && !words.counter)
      computePosition(block, words, position);
  }

  /// Blocks take positions from the counter. The last one to find none left sets it back.
  static void simulatePersistent(const void *const *calls, void *thread, const void *, const uint64_t *block) {
    DeviceWords words(block + Pattern::endWord);
    if (ask(calls, thread, Call::thread_id) != 0)
      return;
    int64_t position;
    while ((position = __atomic_fetch_add(words.counter, 1u, __ATOMIC_RELAXED)) < words.items)
      computePosition(block, words, position);
    if (position == words.items + ask(calls, thread, Call::grid_size) - 1)
      __atomic_store_n(words.counter, 0u, __ATOMIC_RELAXED);
  }
};

//===----------------------------------------------------------------------===//
// Image
//===----------------------------------------------------------------------===//

#define QUERY R"({"name": "q", "kind": "array", "dtype": "bf16", "shape": [-1, -1, -1, 16]})"
#define KEY R"({"name": "k", "kind": "array", "dtype": "bf16", "shape": [-1, -1, -1, 16]})"
#define VALUE R"({"name": "v", "kind": "array", "dtype": "bf16", "shape": [-1, -1, -1, 16]})"
#define OUTPUT R"({"dtype": "bf16", "shape": [-1, -1, -1, 16]})"
#define LSE R"({"dtype": "f32", "shape": [-1, -1, -1]})"
#define READS R"("query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2})"

constexpr char json[] = R"({"module": ")"
                        "handwritten_gpu"
                        R"(", "target": "sm_80", "compiler": "none",
"functions": [
 {"name": "window", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "left", "kind": "scalar"}, {"name": "right", "kind": "scalar"}],
  "results": [)" OUTPUT "," LSE R"(], "buffers": [],
  "steps": [{"kernels": ["window_0"], )" READS R"(,
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}, "lse": {"result": 1}}]},
 {"name": "packed", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "ids", "kind": "array", "dtype": "i32", "shape": [-1, -1]}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["packed_0"], )" READS R"(, "captures": [{"argument": 3}], "output": {"result": 0}}]},
 {"name": "two_steps", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "left", "kind": "scalar"}, {"name": "right", "kind": "scalar"},
   {"name": "ids", "kind": "array", "dtype": "i32", "shape": [-1, -1]}],
  "results": [)" OUTPUT R"(], "buffers": [)" LSE "," OUTPUT R"(],
  "steps": [{"kernels": ["window_0"], )" READS R"(,
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"buffer": 1}, "lse": {"buffer": 0}},
   {"kernels": ["packed_0"], "query": {"buffer": 1}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 5}], "output": {"result": 0}}]},
 {"name": "blocks", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "mask", "kind": "mask", "query_block": 4, "key_block": 4}, {"name": "left", "kind": "scalar"}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["blocks_0"], )" READS R"(,
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}}]},
 {"name": "machine_code", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "left", "kind": "scalar"}, {"name": "right", "kind": "scalar"}],
  "results": [)" OUTPUT "," LSE R"(], "buffers": [],
  "steps": [{"kernels": ["machine_code_0"], )" READS R"(,
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}, "lse": {"result": 1}}]}],
"kernels": [
 {"name": "window_0", "pattern": "window", "dtype": "bf16", "head_size": 16, "scale": 0.25, "lse": true,
  "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [
   {"level": "sm_80", "features": ["sse2"], "tile_q": 8, "tile_k": 8, "scratch_bytes": 0,
    "entries": {"work": 0, "predicate": 1, "tiles": 2, "simulate": 3},
    "device": {"symbol": "window_kernel", "threads": 64, "shared_bytes": 1024, "ptx": 0, "cubin": 1,
     "persistent": false, "blocks_per_multiprocessor": 1, "maps": [{"array": "query", "rows": 8, "columns": 16},
      {"array": "key", "rows": 24, "columns": 8}, {"array": "value", "rows": 40, "columns": 16},
      {"array": "output", "rows": 56, "columns": 16}]}}]},
 {"name": "packed_0", "pattern": "packed", "dtype": "bf16", "head_size": 16, "scale": 0.25, "lse": false,
  "captures": [{"kind": "array", "dtype": "i32", "rank": 2, "pyramid": true}], "schedule": "listed",
  "depends_on": {"batch": true, "head": false},
  "variants": [{"level": "sm_80", "features": [], "tile_q": 8, "tile_k": 64, "scratch_bytes": 0,
   "entries": {"work": 4, "predicate": 5, "plan": 6, "simulate": 7},
   "device": {"symbol": "packed_kernel", "threads": 32, "shared_bytes": 0, "ptx": 0, "persistent": true,
    "blocks_per_multiprocessor": 2, "maps": []}}]},
 {"name": "blocks_0", "pattern": "blocks", "dtype": "bf16", "head_size": 16, "scale": 0.25, "lse": false,
  "captures": [{"kind": "mask", "query_block": 4, "key_block": 4}, {"kind": "scalar"}], "schedule": "listed",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "sm_80", "features": [], "tile_q": 16, "tile_k": 64, "scratch_bytes": 0,
   "entries": {"work": 8, "predicate": 9, "plan": 10, "simulate": 11},
   "device": {"symbol": "blocks_kernel", "threads": 32, "shared_bytes": 0, "persistent": false,
    "blocks_per_multiprocessor": 1, "maps": []}}]},
 {"name": "machine_code_0", "pattern": "window", "dtype": "bf16", "head_size": 16, "scale": 0.25, "lse": true,
  "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "sm_80", "features": [], "tile_q": 8, "tile_k": 8, "scratch_bytes": 0,
   "entries": {"work": 0, "predicate": 1},
   "device": {"symbol": "machine_code_kernel", "threads": 32, "shared_bytes": 0, "cubin": 1, "persistent": false,
    "blocks_per_multiprocessor": 1, "maps": []}}]}]})";

/// The bytes of section `.sparse_attn.manifest`.
struct ManifestSection {
  char magic[8];
  uint32_t version;
  uint32_t length;
  char text[sizeof(json) - 1];
};

constexpr ManifestSection makeSection() {
  ManifestSection section{{'S', 'P', 'R', 'S', 'A', 'T', 'T', 'N'}, 2, sizeof(json) - 1, {}};
  for (size_t i = 0; i < sizeof(json) - 1; ++i)
    section.text[i] = json[i];
  return section;
}

__attribute__((section(".sparse_attn.manifest"), used)) const ManifestSection manifest = makeSection();

using Entry = void (*)();

template <typename Function> Entry entry(Function function) { return reinterpret_cast<Entry>(function); }

using FineBlocks = Blocks<4, 4>;

const Entry entries[] = {
    entry(Kernel<Window>::work),
    entry(Kernel<Window>::predicate),
    entry(Kernel<Window>::tiles),
    entry(GpuKernel<Window>::simulate),
    entry(Kernel<Packed>::work),
    entry(Kernel<Packed>::predicate),
    entry(planPacked),
    entry(GpuKernel<Packed>::simulatePersistent),
    entry(Kernel<FineBlocks>::work),
    entry(Kernel<FineBlocks>::predicate),
    entry(planBlocks<4, 4>),
    entry(GpuKernel<FineBlocks>::simulate),
};

const char ptx[] = ".version 7.0";

/// Machine code without any section or segment.
constexpr Elf64_Ehdr makeCubin() {
  Elf64_Ehdr header{};
  constexpr unsigned char ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
  for (size_t i = 0; i < sizeof(ident); ++i)
    header.e_ident[i] = ident[i];
  header.e_type = ET_EXEC;
  header.e_machine = EM_CUDA;
  header.e_phentsize = sizeof(Elf64_Phdr);
  return header;
}

const Elf64_Ehdr cubin = makeCubin();
const sparse_attn_blob blobs[] = {{ptx, sizeof(ptx)}, {&cubin, sizeof(cubin)}};

} // namespace

/// <module>_sparse_attn_image
extern "C" __attribute__((visibility("default")))
const sparse_attn_image handwritten_gpu_sparse_attn_image = {&manifest, sizeof(manifest),
                                                             entries,   sizeof(entries) / sizeof(entries[0]),
                                                             blobs,     sizeof(blobs) / sizeof(blobs[0])};
