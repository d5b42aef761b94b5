//===- Scheduler.cpp - Who runs next, and when copies land ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Scheduler.h"

#include <utility>

namespace sparse_attn::sim {

namespace {

using Schedule = SimulatorOptions::Schedule;

/// One switch in so many lets a copy land, and one call in so many lets other threads run first, at random.
constexpr size_t switchesPerLanding = 16;
constexpr size_t callsPerPause = 4;

} // namespace

Scheduler::Scheduler(const SimulatorOptions &options, size_t threads)
    : schedule(options.schedule), random(options.seed), ready(threads) {}

void Scheduler::makeReady(Thread &thread) {
  size_t end = first + count++;
  ready[end < ready.size() ? end : end - ready.size()] = &thread;
}

Thread &Scheduler::takeReady() {
  --count;
  if (schedule == Schedule::Reverse) {
    size_t last = first + count;
    return *ready[last < ready.size() ? last : last - ready.size()];
  }
  if (schedule == Schedule::Random)
    std::swap(ready[first], ready[(first + random.below(count + 1)) % ready.size()]);
  Thread &thread = *ready[first];
  first = first + 1 == ready.size() ? 0 : first + 1;
  return thread;
}

void Scheduler::landOne(size_t index) {
  if (Status status = loads.land(index); !status.isOk())
    fail(std::move(status));
}

Thread *Scheduler::next() {
  if (schedule == Schedule::Random && !loads.isEmpty() && random.oneIn(switchesPerLanding))
    landOne(random.below(loads.size()));
  while (failure.isOk() && count == 0 && !loads.isEmpty())
    landOne(schedule == Schedule::InOrder ? 0 : random.below(loads.size()));
  return failure.isOk() && count != 0 ? &takeReady() : nullptr;
}

void Scheduler::wait(Thread &thread, const Place &place) {
  thread.place = place;
  Thread *other = next();
  if (other != &thread)
    switchContext(thread.context, other != nullptr ? other->context : mainContext);
}

void Scheduler::pause(Thread &thread) {
  if (schedule != Schedule::Random || !random.oneIn(callsPerPause))
    return;
  makeReady(thread);
  wait(thread, thread.place);
}

void Scheduler::leave(Thread &thread) {
  ended = &thread;
  leaveContext(thread.context, mainContext);
}

void Scheduler::fail(Status status) {
  if (failure.isOk())
    failure = std::move(status);
}

Thread *Scheduler::runUntilExit() {
  ended = nullptr;
  if (Thread *thread = next())
    switchContext(mainContext, thread->context);
  return failure.isOk() ? ended : nullptr;
}

} // namespace sparse_attn::sim
