//===- main.cpp - Requests that start alike, on two servers ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Twelve requests start with one of three system prompts. Each server keeps the
// keys and values of what it has read in blocks of 16 tokens; a request uses
// the blocks that are there and fills new ones for the rest. The servers tell
// each other what they hold by deltas, as they would over a network.
//
//===----------------------------------------------------------------------===//

#include <sparse_attn/PrefixIndex.h>
#include <sparse_attn/SharedBlocks.h>

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

using namespace sparse_attn;
using Tokens = std::vector<int32_t>;
using Blocks = std::vector<uint32_t>;

constexpr uint32_t blockTokens = 16;
/// Of a model with 32 layers and 8 heads of keys and values of 128 numbers in bf16.
constexpr double mebibytesOfBlock = 2.0 * 32 * 8 * 128 * 2 * blockTokens / (1 << 20);

static void check(const Status &status) {
  if (status.isOk())
    return;
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  std::exit(1);
}

template <typename T> static T valueOf(Result<T> result) {
  check(result.status());
  return std::move(*result);
}

/// So many different tokens for each `text`; a stand-in for a tokenizer.
static Tokens tokensOf(int32_t text, size_t count) {
  Tokens tokens(count);
  std::iota(tokens.begin(), tokens.end(), 10000 * text);
  return tokens;
}

static Tokens join(Tokens first, const Tokens &second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// A server: an index, and a store of blocks of which only the numbers matter here.
class Server {
public:
  explicit Server(uint32_t node) : index(valueOf(PrefixIndex::make(options(node)))) {}

  /// Finds or fills the full blocks of a request, and returns them in order.
  Blocks serve(const Tokens &request) {
    Blocks table;
    for (const BlockLocation &location : index.longestSharedPrefix(request).blocks) {
      if (location.node != index.options().node)
        break;
      table.push_back(location.block);
    }
    found += table.size();
    while (table.size() < request.size() / blockTokens)
      table.push_back(filled++);
    check(index.insert(request, table));
    return table;
  }

  PrefixIndex index;
  size_t found = 0;    ///< Blocks that were there.
  uint32_t filled = 0; ///< Blocks that were not.

private:
  static PrefixIndexOptions options(uint32_t node) {
    PrefixIndexOptions options;
    options.node = node;
    options.epoch = 1;
    options.blockTokens = blockTokens;
    // A secret that the servers share; without it nobody can make a delta that they accept.
    options.key[0] = 0x243f6a8885a308d3;
    options.key[1] = 0x13198a2e03707344;
    return options;
  }
};

/// Sends what `from` knows and `to` does not, and returns its size.
static size_t send(const Server &from, Server &to) {
  std::vector<uint8_t> delta = from.index.diff(to.index.versions());
  valueOf(to.index.apply(delta.data(), delta.size()));
  return delta.size();
}

static void printShared(const std::vector<Blocks> &tables) {
  SharedBlocks shared = valueOf(sharedBlocks(std::vector<BlockList>(tables.begin(), tables.end())));
  for (const SharingGroup &group : shared.groups) {
    std::string requests;
    for (uint32_t request : group.requests)
      requests += " " + std::to_string(request);
    std::printf("  %3zu blocks read by requests%s\n", group.blocks.size(), requests.c_str());
  }
  std::printf("  %llu loads of a block become %llu: %.0f MiB instead of %.0f MiB\n",
              static_cast<unsigned long long>(shared.loads), static_cast<unsigned long long>(shared.distinctBlocks),
              mebibytesOfBlock * static_cast<double>(shared.distinctBlocks),
              mebibytesOfBlock * static_cast<double>(shared.loads));
}

int main() {
  // The third starts like the first.
  const Tokens prompts[] = {tokensOf(1, 2000), tokensOf(2, 1200), join(tokensOf(1, 800), tokensOf(3, 640))};
  Server first(0), second(1);

  std::vector<Blocks> tables;
  for (int32_t request = 0; request < 12; ++request)
    tables.push_back(first.serve(join(prompts[request % 3], tokensOf(100 + request, 200))));
  std::printf("server 0: %zu blocks found, %u filled\n", first.found, first.filled);
  printShared(tables);

  second.serve(join(prompts[1], tokensOf(200, 3000)));
  size_t bytes = send(first, second) + send(second, first);
  std::printf("server 1: %u blocks filled; %zu bytes exchanged\n", second.filled, bytes);

  // Where should a long conversation go on? Both servers give the same answer.
  Tokens next = join(join(prompts[1], tokensOf(200, 3000)), tokensOf(300, 100));
  for (const NodePrefix &prefix : second.index.longestSharedPrefix(next).nodes)
    std::printf("  server %u holds the first %zu blocks of %zu\n", prefix.node, prefix.blocks,
                next.size() / blockTokens);

  // Server 0 needs room, while server 1 inserts the same prompt: neither undoes the other.
  Blocks evicted(tables[0].begin(), tables[0].begin() + 125);
  valueOf(first.index.evict(evicted));
  second.serve(prompts[0]);
  bytes = send(first, second) + send(second, first);
  PrefixMatch match = first.index.longestSharedPrefix(prompts[0]);
  std::printf("after evictions: %zu bytes exchanged; the first prompt is on server %u\n", bytes, match.nodes[0].node);
  bool agree = first.index.cachedBlocks() == second.index.cachedBlocks();
  std::printf("the servers %s on %zu blocks\n", agree ? "agree" : "DISAGREE", first.index.cachedBlocks().size());
  return agree ? 0 : 1;
}
