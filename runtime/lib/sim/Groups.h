//===- Groups.h - Asynchronous work in committed groups ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_GROUPS_H
#define SPARSE_ATTN_LIB_SIM_GROUPS_H

#include "sparse_attn/Status.h"

#include <cstddef>
#include <vector>

namespace sparse_attn::sim {

/// Work is issued, closed to a group by a commit, and done when a wait allows fewer groups than are pending. Groups are
/// done in the order of their commits. This is the rule of cp.async, of stores of tensors and of wgmma.
template <typename Work> class Groups {
public:
  void issue(const Work &piece) { work.push_back(piece); }

  void commit() {
    sizes.push_back(work.size() - committed);
    committed = work.size();
  }

  /// Does all but the last `allowed` groups, and forgets them. Stops at the first failure.
  template <typename Function> Status wait(size_t allowed, const Function &finish) {
    if (sizes.size() <= allowed)
      return {};
    size_t groups = sizes.size() - allowed, pieces = 0;
    for (size_t g = 0; g < groups; ++g)
      pieces += sizes[g];
    for (size_t i = 0; i < pieces; ++i)
      if (Status status = finish(work[i]); !status.isOk())
        return status;
    work.erase(work.begin(), work.begin() + static_cast<std::ptrdiff_t>(pieces));
    sizes.erase(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(groups));
    committed -= pieces;
    return {};
  }

  /// Nothing is pending, committed or not.
  bool isEmpty() const { return work.empty(); }
  void clear() {
    work.clear();
    sizes.clear();
    committed = 0;
  }

private:
  std::vector<Work> work;    ///< In the order of issue.
  std::vector<size_t> sizes; ///< Of the committed groups.
  size_t committed = 0;      ///< Pieces in them.
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_GROUPS_H
