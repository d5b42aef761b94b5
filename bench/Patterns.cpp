//===- Patterns.cpp - Patterns as declared and as defined -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace sparse_attn::bench {

namespace {

constexpr int tileSize = 64;

template <typename... Parts> std::string text(const Parts &...parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// Counts by trying every pair. `length` is a multiple of 64.
template <typename Attends> Attending countAttending(int32_t length, Attends attends) {
  int32_t keyTiles = length / tileSize;
  Attending found;
  found.allTiles = int64_t(keyTiles) * keyTiles;
  std::vector<int64_t> pairsOfTile(static_cast<size_t>(keyTiles));
  for (int32_t q = 0; q < length; ++q) {
    if (q % tileSize == 0)
      std::fill(pairsOfTile.begin(), pairsOfTile.end(), 0);
    for (int32_t k = 0; k < length; k += tileSize)
      for (int32_t i = 0; i < tileSize; ++i)
        pairsOfTile[static_cast<size_t>(k / tileSize)] += attends(q, k + i);
    if (q % tileSize + 1 < tileSize)
      continue;
    for (int64_t pairs : pairsOfTile) {
      found.pairs += pairs;
      found.tiles += pairs != 0;
    }
  }
  return found;
}

template <typename Attends> Pattern makePattern(std::string name, std::string body, Attends attends) {
  auto count = [attends](int64_t length) { return countAttending(static_cast<int32_t>(length), attends); };
  auto one = [attends](int64_t q, int64_t k) { return attends(static_cast<int32_t>(q), static_cast<int32_t>(k)); };
  return {std::move(name), std::move(body), count, one};
}

} // namespace

Pattern densePattern() {
  return makePattern("dense", "%p = sparse_attn.dense", [](int32_t, int32_t) { return true; });
}

Pattern causalPattern() {
  return makePattern("causal", "%p = sparse_attn.causal", [](int32_t q, int32_t k) { return k <= q; });
}

Pattern windowPattern(int64_t left, int64_t right) {
  return makePattern(text("window ", left, "+", right),
                     text("%p = sparse_attn.window left(", left, ") right(", right, ")"),
                     [=](int32_t q, int32_t k) { return q - left <= k && k <= q + right; });
}

Pattern longformerPattern(int64_t left, int64_t right, int64_t first) {
  return makePattern(text("longformer ", left, "+", right, ", ", first),
                     text("%w = sparse_attn.window left(", left, ") right(", right,
                          ")\n  %g = sparse_attn.global first(", first, ")\n  %p = sparse_attn.union %w, %g"),
                     [=](int32_t q, int32_t k) { return (q - left <= k && k <= q + right) || q < first || k < first; });
}

Pattern chunkPattern(int64_t size) {
  return makePattern(text("chunk ", size), text("%p = sparse_attn.chunk size(", size, ")"),
                     [size = static_cast<int32_t>(size)](int32_t q, int32_t k) { return q / size == k / size; });
}

Pattern stridePattern(int64_t step) {
  return makePattern(text("stride ", step), text("%p = sparse_attn.stride step(", step, ")"),
                     [step = static_cast<int32_t>(step)](int32_t q, int32_t k) { return (q - k) % step == 0; });
}

Pattern stridedWindowPattern(int64_t step, int64_t left) {
  return makePattern(text("causal stride ", step, ", window ", left),
                     text("%c = sparse_attn.causal\n  %s = sparse_attn.stride step(", step,
                          ")\n  %w = sparse_attn.window left(", left,
                          ")\n  %u = sparse_attn.union %s, %w\n  %p = sparse_attn.intersect %c, %u"),
                     [step = static_cast<int32_t>(step), left](int32_t q, int32_t k) {
                       return k <= q && ((q - k) % step == 0 || q - left <= k);
                     });
}

namespace {

/// `distance` is the ops of %s, the pairs that lie a multiple of the step apart.
Pattern makeDilated(const std::string &name, const std::string &distance, int64_t reach, int64_t step) {
  return makePattern(name,
                     text("%w = sparse_attn.window left(", reach, ") right(", reach, ")\n  ", distance,
                          "\n  %p = sparse_attn.intersect %w, %s"),
                     [step = static_cast<int32_t>(step), reach = static_cast<int32_t>(reach)](int32_t q, int32_t k) {
                       return q - reach <= k && k <= q + reach && (q - k) % step == 0;
                     });
}

} // namespace

Pattern dilatedPattern(int64_t reach, int64_t step) {
  return makeDilated(text("dilated ", reach, "+", reach, ", step ", step),
                     text("%s = sparse_attn.stride step(", step, ")"), reach, step);
}

Pattern maskedDilatedPattern(int64_t reach, int64_t step) {
  return makeDilated(text("masked dilated ", reach, "+", reach, ", step ", step),
                     text("%s = sparse_attn.predicate (%b, %h, %q, %k) {\n"
                          "    %step = arith.constant ",
                          step,
                          " : index\n"
                          "    %zero = arith.constant 0 : index\n"
                          "    %distance = arith.subi %q, %k : index\n"
                          "    %rest = arith.remsi %distance, %step : index\n"
                          "    %multiple = arith.cmpi eq, %rest, %zero : index\n"
                          "    sparse_attn.yield %multiple : i1\n"
                          "  }"),
                     reach, step);
}

Pattern segmentPattern(int64_t length, int64_t rate) {
  return makePattern(text("segment ", length, ", rate ", rate),
                     text("%p = sparse_attn.segment length(", length, ") rate(", rate, ")"),
                     [length = static_cast<int32_t>(length), rate = static_cast<int32_t>(rate)](int32_t q, int32_t k) {
                       return q / length == k / length && q % rate == 0 && k % rate == 0;
                     });
}

Pattern blockWindowPattern(int64_t blocks) {
  return makePattern(text("block window ", 64 * blocks),
                     text("%p = sparse_attn.predicate (%b, %h, %q, %k) {\n"
                          "    %c64 = arith.constant 64 : index\n"
                          "    %c0 = arith.constant 0 : index\n"
                          "    %far = arith.constant ",
                          blocks,
                          " : index\n"
                          "    %qb = arith.floordivsi %q, %c64 : index\n"
                          "    %kb = arith.floordivsi %k, %c64 : index\n"
                          "    %distance = arith.subi %qb, %kb : index\n"
                          "    %past = arith.cmpi sge, %distance, %c0 : index\n"
                          "    %near = arith.cmpi sle, %distance, %far : index\n"
                          "    %both = arith.andi %past, %near : i1\n"
                          "    sparse_attn.yield %both : i1\n"
                          "  }"),
                     [=](int32_t q, int32_t k) { return q / 64 >= k / 64 && q / 64 - k / 64 <= blocks; });
}

Pattern documentPattern(bool causal) {
  std::string same = "= sparse_attn.predicate (%b, %h, %q, %k) {\n"
                     "    %dq = sparse_attn.read %document[%q] : memref<?xi32>\n"
                     "    %dk = sparse_attn.read %document[%k] : memref<?xi32>\n"
                     "    %equal = arith.cmpi eq, %dq, %dk : i32\n"
                     "    sparse_attn.yield %equal : i1\n"
                     "  }";
  std::string body =
      causal ? "%s " + same + "\n  %c = sparse_attn.causal\n  %p = sparse_attn.intersect %c, %s" : "%p " + same;
  return {causal ? "causal documents" : "documents", body, nullptr, nullptr, true};
}

std::string moduleText(const Pattern &pattern, DType dtype, int64_t headSize) {
  std::string array = text("tensor<?x?x?x", headSize, "x", dtypeName(dtype), ">");
  bool captures = pattern.capturesDocuments;
  return text("sparse_attn.pattern @pattern", captures ? "(%document: memref<?xi32>)" : "", " {\n  ", pattern.body,
              "\n  sparse_attn.yield %p\n}\nfunc.func @attention(%q: ", array, ", %k: ", array, ", %v: ", array,
              captures ? ", %document: memref<?xi32>" : "", ") -> ", array,
              " {\n  %o = sparse_attn.attention %q, %k, %v pattern(@pattern",
              captures ? "(%document) : (memref<?xi32>)" : "", ") : (", array, ", ", array, ", ", array, ") -> ", array,
              "\n  return %o : ", array, "\n}\n");
}

std::string mergeModuleText(const std::vector<Pattern> &patterns, DType dtype, int64_t headSize) {
  std::string array = text("tensor<?x?x?x", headSize, "x", dtypeName(dtype), ">"), sums = "tensor<?x?x?xf32>";
  std::ostringstream module;
  for (size_t i = 0; i < patterns.size(); ++i)
    module << "sparse_attn.pattern @p" << i << " {\n  " << patterns[i].body << "\n  sparse_attn.yield %p\n}\n";
  module << "func.func @attention(%q: " << array << ", %k: " << array << ", %v: " << array << ") -> " << array
         << " {\n";
  for (size_t i = 0; i < patterns.size(); ++i)
    module << "  %o" << i << ", %l" << i << " = sparse_attn.attention %q, %k, %v pattern(@p" << i << ") : (" << array
           << ", " << array << ", " << array << ") -> (" << array << ", " << sums << ")\n";
  module << "  %o, %l = sparse_attn.merge ";
  for (size_t i = 0; i < patterns.size(); ++i)
    module << (i == 0 ? "" : ", ") << "(%o" << i << ", %l" << i << ")";
  module << " : " << array << ", " << sums << "\n  return %o : " << array << "\n}\n";
  return module.str();
}

} // namespace sparse_attn::bench
