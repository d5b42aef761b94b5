//===- ContextSwitch.cpp - Leave one stack for another --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only what a called function must keep is saved: the compiler has saved all
// else at the call. The control words of the floating-point units are such
// registers too, but all fibers of a launch run in the mode of the thread that
// launched, and no kernel changes it, so that they are left alone.
//
//===----------------------------------------------------------------------===//

#include "sim/ContextSwitch.h"

#include <cstdint>

#ifndef __x86_64__
#error "the simulated device switches contexts on x86-64 only"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SPARSE_ATTN_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARSE_ATTN_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef SPARSE_ATTN_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// sparse_attn_sim_switch(where to leave this stack pointer, the stack pointer to take). A context that has not run
// yet starts in sparse_attn_sim_start, with a function in rbx and its argument in r12. No caller lies behind it, which
// unwinders have to be told.
asm(R"(
.text
.globl sparse_attn_sim_switch
.hidden sparse_attn_sim_switch
.type sparse_attn_sim_switch, @function
sparse_attn_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sparse_attn_sim_switch, .-sparse_attn_sim_switch

.globl sparse_attn_sim_start
.hidden sparse_attn_sim_start
.type sparse_attn_sim_start, @function
sparse_attn_sim_start:
  .cfi_startproc
  .cfi_undefined rip
  movq %r12, %rdi
  call *%rbx
  ud2
  .cfi_endproc
.size sparse_attn_sim_start, .-sparse_attn_sim_start
)");

extern "C" void sparse_attn_sim_switch(void **from, void *to);
extern "C" void sparse_attn_sim_start();

namespace sparse_attn::sim {

namespace {

/// What `sparse_attn_sim_switch` finds on the stack of a context that has not run yet.
struct FirstFrame {
  uint64_t r15, r14, r13;
  void *argument;           // r12
  void (*function)(void *); // rbx
  uint64_t rbp;
  void (*start)();
  uint64_t padding[2];
};
// It ends at a multiple of 16, and so does the stack before the call in sparse_attn_sim_start, which leaves the
// padding.
static_assert((sizeof(FirstFrame) - offsetof(FirstFrame, padding)) % 16 == 0);

} // namespace

void prepareContext(Context &context, void *stack, size_t bytes, void (*function)(void *), void *argument) {
#ifdef SPARSE_ATTN_ADDRESS_SANITIZER
  // Frames that were left for good never took their red zones away.
  ASAN_UNPOISON_MEMORY_REGION(stack, bytes);
#endif
  uintptr_t end = (reinterpret_cast<uintptr_t>(stack) + bytes) / 16 * 16;
  FirstFrame *frame = reinterpret_cast<FirstFrame *>(end) - 1;
  *frame = {0, 0, 0, argument, function, 0, &sparse_attn_sim_start, {}};
  context = {frame, stack, bytes, nullptr};
}

void switchContext(Context &from, Context &to) {
#ifdef SPARSE_ATTN_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(&from.sanitizerStack, to.stack, to.stackBytes);
#endif
  sparse_attn_sim_switch(&from.stackPointer, to.stackPointer);
#ifdef SPARSE_ATTN_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(from.sanitizerStack, nullptr, nullptr);
#endif
}

void leaveContext(Context &from, Context &to) {
#ifdef SPARSE_ATTN_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(nullptr, to.stack, to.stackBytes);
#endif
  sparse_attn_sim_switch(&from.stackPointer, to.stackPointer);
  __builtin_unreachable();
}

void enterContext(Context &creator) {
#ifdef SPARSE_ATTN_ADDRESS_SANITIZER
  const void *stack;
  size_t bytes;
  __sanitizer_finish_switch_fiber(nullptr, &stack, &bytes);
  if (creator.stack == nullptr) {
    creator.stack = stack;
    creator.stackBytes = bytes;
  }
#else
  (void)creator;
#endif
}

} // namespace sparse_attn::sim
