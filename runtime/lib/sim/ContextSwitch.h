//===- ContextSwitch.h - Leave one stack for another ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A simulated thread keeps its place in the kernel while other threads run.
// The kernel is compiled code that knows nothing of that, so that the place is
// a stack. `swapcontext` would ask the kernel of the host for the signal mask
// at each switch; a switch by hand takes a few nanoseconds.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_CONTEXTSWITCH_H
#define SPARSE_ATTN_LIB_SIM_CONTEXTSWITCH_H

#include <cstddef>

namespace sparse_attn::sim {

/// A place to go on at. Contexts of one launch belong to one host thread.
struct Context {
  void *stackPointer = nullptr;
  /// Lowest address and size of the stack, for the address sanitizer.
  const void *stack = nullptr;
  size_t stackBytes = 0;
  void *sanitizerStack = nullptr;
};

/// Makes `context` enter `function(argument)` at the upper end of a stack. `function` must not return.
void prepareContext(Context &context, void *stack, size_t bytes, void (*function)(void *), void *argument);

/// Goes on at `to`; returns when something switches to `from`.
void switchContext(Context &from, Context &to);

/// Goes on at `to` and never comes back; the stack may be freed then.
[[noreturn]] void leaveContext(Context &from, Context &to);

/// To be called first by what a prepared context enters; `creator` is the context that switched to it, if it runs on
/// the stack of a host thread.
void enterContext(Context &creator);

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_CONTEXTSWITCH_H
