//===- HandWrittenArtifact.cpp - An artifact that no compiler made --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is tested without the compiler: this file follows
// docs/artifact.md by hand, with naive kernels. It is built as a shared
// library and also linked into the tests.
//
//===----------------------------------------------------------------------===//

#include "HandWrittenKernels.h"

using namespace handwritten;

namespace {

//===----------------------------------------------------------------------===//
// Image
//===----------------------------------------------------------------------===//

#define QUERY R"({"name": "q", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1, 16]})"
#define KEY R"({"name": "k", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1, 16]})"
#define VALUE R"({"name": "v", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1, 16]})"
#define OUTPUT R"({"dtype": "f32", "shape": [-1, -1, -1, 16]})"
#define LSE R"({"dtype": "f32", "shape": [-1, -1, -1]})"

constexpr char json[] = R"({"module": ")"
                        "handwritten"
                        R"(", "target": "cpu", "compiler": "none",
"functions": [
 {"name": "window", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "left", "kind": "scalar"}, {"name": "right", "kind": "scalar"}],
  "results": [)" OUTPUT "," LSE R"(], "buffers": [],
  "steps": [{"kernels": ["window_0"], "query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}, "lse": {"result": 1}}]},
 {"name": "width_of_head", "arguments": [)" QUERY "," KEY "," VALUE R"(, {"name": "width", "kind": "scalar"}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["width_of_head_0"], "query": {"argument": 0}, "key": {"argument": 1},
   "value": {"argument": 2}, "captures": [{"argument": 3}], "output": {"result": 0}}]},
 {"name": "packed", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "ids", "kind": "array", "dtype": "i32", "shape": [-1, -1]}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["packed_0"], "query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 3}], "output": {"result": 0}}]},
 {"name": "two_steps", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "left", "kind": "scalar"}, {"name": "right", "kind": "scalar"},
   {"name": "ids", "kind": "array", "dtype": "i32", "shape": [-1, -1]}],
  "results": [)" OUTPUT R"(], "buffers": [)" LSE "," OUTPUT R"(],
  "steps": [{"kernels": ["window_0"], "query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"buffer": 1}, "lse": {"buffer": 0}},
   {"kernels": ["packed_0"], "query": {"buffer": 1}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 5}], "output": {"result": 0}}]},
 {"name": "demanding", "arguments": [)" QUERY "," KEY "," VALUE R"(, {"name": "width", "kind": "scalar"}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["demanding_0"], "query": {"argument": 0}, "key": {"argument": 1},
   "value": {"argument": 2}, "captures": [{"argument": 3}], "output": {"result": 0}}]},
 {"name": "blocks", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "mask", "kind": "mask", "query_block": 4, "key_block": 4}, {"name": "left", "kind": "scalar"}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["blocks_0"], "query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}}]},
 {"name": "coarse_blocks", "arguments": [)" QUERY "," KEY "," VALUE R"(,
   {"name": "mask", "kind": "mask", "query_block": 32, "key_block": 128}, {"name": "left", "kind": "scalar"}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["coarse_blocks_0"], "query": {"argument": 0}, "key": {"argument": 1},
   "value": {"argument": 2}, "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}}]},
 {"name": "biased", "arguments": [)" QUERY "," KEY "," VALUE R"(, {"name": "width", "kind": "scalar"},
   {"name": "bias", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1]}],
  "results": [)" OUTPUT R"(], "buffers": [],
  "steps": [{"kernels": ["biased_0"], "query": {"argument": 0}, "key": {"argument": 1},
   "value": {"argument": 2}, "captures": [{"argument": 3}, {"argument": 4}], "output": {"result": 0}}]}],
"kernels": [
 {"name": "window_0", "pattern": "window", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": true,
  "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [
   {"level": "never", "features": ["sse2", "no-such-feature"], "tile_q": 8, "tile_k": 8, "scratch_bytes": 16384,
    "entries": {"items": 0, "work": 1, "predicate": 2}},
   {"level": "any", "features": ["sse2"], "tile_q": 8, "tile_k": 8, "scratch_bytes": 16384,
    "entries": {"items": 0, "work": 1, "predicate": 2, "tiles": 10}}]},
 {"name": "width_of_head_0", "pattern": "width_of_head", "dtype": "f32", "head_size": 16, "scale": 0.25,
  "lse": false, "captures": [{"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": true},
  "variants": [{"level": "any", "features": [], "tile_q": 4, "tile_k": 16, "scratch_bytes": 16384,
   "entries": {"items": 3, "work": 4, "predicate": 5}}]},
 {"name": "packed_0", "pattern": "packed", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": false,
  "captures": [{"kind": "array", "dtype": "i32", "rank": 2, "pyramid": true}], "schedule": "listed",
  "depends_on": {"batch": true, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 8, "tile_k": 64, "scratch_bytes": 16384,
   "entries": {"items": 6, "work": 7, "predicate": 8, "plan": 9}}]},
 {"name": "demanding_0", "pattern": "width_of_head", "dtype": "f32", "head_size": 16, "scale": 0.25,
  "lse": false, "captures": [{"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": true, "head": true},
  "variants": [
   {"level": "most", "features": ["no-such-feature", "nor-this"], "tile_q": 4, "tile_k": 16, "scratch_bytes": 0,
    "entries": {"items": 3, "work": 4, "predicate": 5}},
   {"level": "least", "features": ["sse2", "nor-this"], "tile_q": 4, "tile_k": 16, "scratch_bytes": 0,
    "entries": {"items": 3, "work": 4, "predicate": 5}}]},
 {"name": "blocks_0", "pattern": "blocks", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": false,
  "captures": [{"kind": "mask", "query_block": 4, "key_block": 4}, {"kind": "scalar"}], "schedule": "listed",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 16, "tile_k": 64, "scratch_bytes": 16384,
   "entries": {"items": 11, "work": 12, "predicate": 13, "plan": 14}}]},
 {"name": "coarse_blocks_0", "pattern": "blocks", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": false,
  "captures": [{"kind": "mask", "query_block": 32, "key_block": 128}, {"kind": "scalar"}], "schedule": "listed",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 16, "tile_k": 64, "scratch_bytes": 16384,
   "entries": {"items": 15, "work": 16, "predicate": 17, "plan": 18}}]},
 {"name": "biased_0", "pattern": "width_of_head", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": false,
  "captures": [{"kind": "scalar"}, {"kind": "array", "dtype": "f32", "rank": 3, "of": "scores"}],
  "schedule": "ranges", "depends_on": {"batch": false, "head": true},
  "variants": [{"level": "any", "features": [], "tile_q": 4, "tile_k": 16, "scratch_bytes": 16384,
   "entries": {"items": 19, "work": 20, "predicate": 21, "score": 22}}]}]})";

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
using CoarseBlocks = Blocks<32, 128>;

const Entry entries[] = {
    entry(Kernel<Window>::items),
    entry(Kernel<Window>::work),
    entry(Kernel<Window>::predicate),
    entry(Kernel<WidthOfHead>::items),
    entry(Kernel<WidthOfHead>::work),
    entry(Kernel<WidthOfHead>::predicate),
    entry(Kernel<Packed>::items),
    entry(Kernel<Packed>::work),
    entry(Kernel<Packed>::predicate),
    entry(planPacked),
    entry(Kernel<Window>::tiles),
    entry(Kernel<FineBlocks>::items),
    entry(Kernel<FineBlocks>::work),
    entry(Kernel<FineBlocks>::predicate),
    entry(planBlocks<4, 4>),
    entry(Kernel<CoarseBlocks>::items),
    entry(Kernel<CoarseBlocks>::work),
    entry(Kernel<CoarseBlocks>::predicate),
    entry(planBlocks<32, 128>),
    entry(Kernel<BiasedWidth>::items),
    entry(Kernel<BiasedWidth>::work),
    entry(Kernel<BiasedWidth>::predicate),
    entry(modifyScores),
};

} // namespace

/// <module>_sparse_attn_image
extern "C" __attribute__((visibility("default"))) const sparse_attn_image handwritten_sparse_attn_image = {
    &manifest, sizeof(manifest), entries, sizeof(entries) / sizeof(entries[0]), nullptr, 0};
