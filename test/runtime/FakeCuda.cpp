//===- FakeCuda.cpp - A CUDA driver without a GPU -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Built twice: as a driver of today, and with FAKE_CUDA_IS_OLD without the
// functions that CUDA 12 brought.
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace sparse_attn {

struct CudaContextState {};

struct CudaStreamState {
  CudaContextHandle context;
};

struct CudaModuleState {
  CudaContextHandle context;
  std::string image;
  std::map<std::string, std::unique_ptr<CudaFunctionState>> functions;
};

struct CudaFunctionState {
  std::string name;
  unsigned maxSharedBytes = 48 * 1024;
};

} // namespace sparse_attn

namespace {

using Lock = std::lock_guard<std::mutex>;

FakeCuda state;
CudaContextState primaryContext, otherContext;
thread_local CudaContextHandle currentContext = nullptr;
thread_local CudaCaptureMode captureMode = CudaCaptureMode::Global;

CudaResult failureOf(const std::string &call) {
  auto failure = state.failures.find(call);
  return failure == state.failures.end() ? CudaResult::Success : failure->second;
}

/// Records a call; returns the failure that the test wants of it.
template <typename... Values> CudaResult record(const char *call, const Values &...values) {
  std::ostringstream text;
  text << call;
  ((text << ' ' << values), ...);
  state.calls.push_back(text.str());
  return failureOf(call);
}

/// The same for calls that work on the current context.
template <typename... Values> CudaResult recordInContext(const char *call, const Values &...values) {
  CudaResult failure = record(call, values...);
  if (failure != CudaResult::Success)
    return failure;
  if (!currentContext)
    return invalidContext;
  return state.kernelFailed ? state.kernelFailure : CudaResult::Success;
}

/// What a call does that is unsafe while a stream is captured.
CudaResult refuseUnsafe() {
  if (!state.isCapturing || captureMode == CudaCaptureMode::Relaxed)
    return CudaResult::Success;
  state.captureBroken = true;
  return captureUnsupported;
}

/// `recordInContext` for such calls.
template <typename... Values> CudaResult recordUnsafe(const char *call, const Values &...values) {
  CudaResult failure = recordInContext(call, values...);
  return failure == CudaResult::Success ? refuseUnsafe() : failure;
}

/// `recordInContext` for calls that wait for the streams being captured, which no mode allows.
template <typename... Values> CudaResult recordWaiting(const char *call, const Values &...values) {
  CudaResult failure = recordInContext(call, values...);
  if (failure != CudaResult::Success || !state.isCapturing)
    return failure;
  state.captureBroken = true;
  return captureImplicit;
}

/// Deletes the objects of a set for which `condition` holds.
template <typename Object, typename Condition> void eraseAll(std::set<Object *> &objects, const Condition &condition) {
  for (auto i = objects.begin(); i != objects.end();) {
    Object *object = *i;
    bool holds = condition(object);
    i = holds ? objects.erase(i) : std::next(i);
    if (holds)
      delete object;
  }
}

/// Whether bytes lie in one allocation of the current context.
bool isMemory(CudaAddress address, size_t bytes) {
  auto after = state.allocations.upper_bound(address);
  if (after == state.allocations.begin())
    return false;
  const auto &[start, allocation] = *std::prev(after);
  return allocation.context == currentContext && address - start + bytes <= allocation.bytes;
}

struct NamedError {
  CudaResult result;
  const char *name, *text;
};

constexpr NamedError namedErrors[] = {
    {CudaResult::Success, "CUDA_SUCCESS", "no error"},
    {invalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CudaResult::OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CudaResult::StubLibrary, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {CudaResult::NoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {invalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CudaResult::NoBinaryForDevice, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available"},
    {invalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CudaResult::UnsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "unsupported toolchain"},
    {notFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {captureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {captureImplicit, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "operation would make the legacy stream depend on it"},
    {illegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
};

const NamedError *findError(CudaResult result) {
  for (const NamedError &error : namedErrors)
    if (error.result == result)
      return &error;
  return nullptr;
}

bool isCubin(const void *image) {
  return std::memcmp(image,
                     "\x7f"
                     "ELF",
                     4) == 0;
}

/// Writes the log as the driver does: cut to the buffer, with a zero at the end.
void writeJitLog(unsigned optionCount, const CudaJitOption *options, void **values) {
  char *log = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < optionCount; ++i)
    if (options[i] == CudaJitOption::ErrorLog)
      log = static_cast<char *>(values[i]);
    else if (options[i] == CudaJitOption::ErrorLogBytes)
      bytes = reinterpret_cast<size_t>(values[i]);
  if (log && bytes > 0)
    log[state.jitLog.copy(log, bytes - 1)] = 0;
}

} // namespace

extern "C" {

FakeCuda *fake_cuda() { return &state; }
CudaContextHandle fake_cuda_other_context() { return &otherContext; }

void fake_cuda_destroy_context(CudaContextHandle context) {
  Lock lock(state.mutex);
  state.destroyed.insert(context);
  auto isOfContext = [context](const auto *each) { return each->context == context; };
  for (auto i = state.allocations.begin(); i != state.allocations.end();) {
    if (isOfContext(&i->second))
      std::free(reinterpret_cast<void *>(i->first));
    i = isOfContext(&i->second) ? state.allocations.erase(i) : std::next(i);
  }
  eraseAll(state.modules, isOfContext);
  eraseAll(state.streams, isOfContext);
}

void fake_cuda_create_context(CudaContextHandle context) {
  Lock lock(state.mutex);
  state.destroyed.erase(context);
}

CudaResult cuInit(unsigned flags) {
  Lock lock(state.mutex);
  return flags == 0 ? failureOf("cuInit") : invalidValue;
}

CudaResult cuDriverGetVersion(int *version) {
  Lock lock(state.mutex);
  *version = state.version;
  return failureOf("cuDriverGetVersion");
}

CudaResult cuGetErrorName(CudaResult error, const char **name) {
  const NamedError *found = findError(error);
  *name = found ? found->name : nullptr;
  return found ? CudaResult::Success : invalidValue;
}

CudaResult cuGetErrorString(CudaResult error, const char **text) {
  const NamedError *found = findError(error);
  *text = found ? found->text : nullptr;
  return found ? CudaResult::Success : invalidValue;
}

CudaResult cuDeviceGetCount(int *count) {
  Lock lock(state.mutex);
  *count = state.devices;
  return failureOf("cuDeviceGetCount");
}

CudaResult cuDeviceGet(CudaDeviceNumber *device, int ordinal) {
  Lock lock(state.mutex);
  *device = ordinal + 40; // Not the ordinal, so that the two are not mistaken.
  return failureOf("cuDeviceGet");
}

CudaResult cuDeviceGetName(char *name, int bytes, CudaDeviceNumber device) {
  Lock lock(state.mutex);
  if (device != 40 && device != 41)
    return CudaResult{101};
  std::snprintf(name, static_cast<size_t>(bytes), "%s", device == 40 ? "Fake GPU" : "Other GPU");
  return failureOf("cuDeviceGetName");
}

CudaResult cuDeviceGetAttribute(int *value, CudaDeviceAttribute attribute, CudaDeviceNumber device) {
  Lock lock(state.mutex);
  auto found = state.attributes.find(attribute);
  if (found == state.attributes.end())
    return invalidValue;
  *value = found->second;
  return failureOf("cuDeviceGetAttribute");
}

CudaResult cuDevicePrimaryCtxRetain(CudaContextHandle *context, CudaDeviceNumber device) {
  Lock lock(state.mutex);
  if (CudaResult failure = failureOf("cuDevicePrimaryCtxRetain"); failure != CudaResult::Success)
    return failure;
  if (CudaResult failure = refuseUnsafe(); failure != CudaResult::Success)
    return failure;
  *context = &primaryContext;
  return device == 40 ? CudaResult::Success : invalidValue;
}

CudaResult cuCtxGetCurrent(CudaContextHandle *context) {
  Lock lock(state.mutex);
  *context = currentContext;
  return failureOf("cuCtxGetCurrent");
}

CudaResult cuCtxSetCurrent(CudaContextHandle context) {
  Lock lock(state.mutex);
  if (CudaResult failure = failureOf("cuCtxSetCurrent"); failure != CudaResult::Success)
    return failure;
  currentContext = context;
  if (state.destroyed.count(context) > 0) {
    state.usedDestroyed = true;
    return contextIsDestroyed;
  }
  return CudaResult::Success;
}

CudaResult cuCtxGetDevice(CudaDeviceNumber *device) {
  Lock lock(state.mutex);
  *device = currentContext == &primaryContext ? 40 : 41;
  return currentContext ? failureOf("cuCtxGetDevice") : invalidContext;
}

CudaResult cuCtxSynchronize() {
  Lock lock(state.mutex);
  return recordWaiting("cuCtxSynchronize");
}

CudaResult cuStreamCreate(CudaStreamHandle *stream, CudaStreamFlags flags) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordUnsafe("cuStreamCreate", static_cast<uint32_t>(flags)); failure != CudaResult::Success)
    return failure;
  *stream = *state.streams.insert(new CudaStreamState{currentContext}).first;
  return CudaResult::Success;
}

CudaResult cuStreamDestroy_v2(CudaStreamHandle stream) {
  Lock lock(state.mutex);
  CudaResult failure = recordUnsafe("cuStreamDestroy_v2");
  if (state.streams.count(stream) == 0 || stream->context != currentContext)
    return invalidValue;
  state.streams.erase(stream);
  delete stream;
  return failure;
}

CudaResult cuStreamSynchronize(CudaStreamHandle stream) {
  Lock lock(state.mutex);
  if (!stream)
    return recordWaiting("cuStreamSynchronize default");
  if (state.streams.count(stream) == 0 || stream->context != currentContext)
    return invalidValue;
  return recordUnsafe("cuStreamSynchronize");
}

CudaResult cuThreadExchangeStreamCaptureMode(CudaCaptureMode *mode) {
  Lock lock(state.mutex);
  CudaResult failure = failureOf("cuThreadExchangeStreamCaptureMode");
  if (failure == CudaResult::Success)
    std::swap(*mode, captureMode);
  return failure;
}

CudaResult cuMemAlloc_v2(CudaAddress *address, size_t bytes) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordUnsafe("cuMemAlloc_v2", bytes); failure != CudaResult::Success)
    return failure;
  if (bytes == 0)
    return invalidValue;
  *address = reinterpret_cast<CudaAddress>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  state.allocations[*address] = {bytes, currentContext, ++state.allocationCount};
  return CudaResult::Success;
}

CudaResult cuMemFree_v2(CudaAddress address) {
  Lock lock(state.mutex);
  auto found = state.allocations.find(address);
  if (found == state.allocations.end() || found->second.context != currentContext)
    return invalidValue;
  CudaResult failure = recordUnsafe("cuMemFree_v2", found->second.bytes);
  std::free(reinterpret_cast<void *>(address));
  state.allocations.erase(found);
  return failure;
}

CudaResult cuPointerGetAttribute(void *value, CudaPointerAttribute attribute, CudaAddress address) {
  Lock lock(state.mutex);
  auto found = state.allocations.find(address);
  if (attribute != CudaPointerAttribute::BufferId || found == state.allocations.end())
    return invalidValue;
  std::memcpy(value, &found->second.number, sizeof(uint64_t));
  return failureOf("cuPointerGetAttribute");
}

CudaResult cuMemcpyHtoDAsync_v2(CudaAddress device, const void *host, size_t bytes, CudaStreamHandle stream) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordUnsafe("cuMemcpyHtoDAsync_v2", bytes); failure != CudaResult::Success)
    return failure;
  if (!isMemory(device, bytes) || state.streams.count(stream) == 0 || stream->context != currentContext)
    return invalidValue;
  std::memcpy(reinterpret_cast<void *>(device), host, bytes);
  return CudaResult::Success;
}

CudaResult cuMemcpyDtoH_v2(void *host, CudaAddress device, size_t bytes) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordWaiting("cuMemcpyDtoH_v2", bytes); failure != CudaResult::Success)
    return failure;
  if (!isMemory(device, bytes))
    return invalidValue;
  std::memcpy(host, reinterpret_cast<const void *>(device), bytes);
  return CudaResult::Success;
}

CudaResult cuModuleLoadDataEx(CudaModuleHandle *module, const void *image, unsigned optionCount, CudaJitOption *options,
                              void **values) {
  Lock lock(state.mutex);
  const char *kind = isCubin(image) ? "cuModuleLoadDataEx cubin" : "cuModuleLoadDataEx ptx";
  if (CudaResult failure = recordUnsafe(kind); failure != CudaResult::Success) {
    writeJitLog(optionCount, options, values);
    *module = reinterpret_cast<CudaModuleHandle>(1); // Nobody may use what a failed call leaves.
    return failure;
  }
  *module = new CudaModuleState{currentContext, static_cast<const char *>(image), {}};
  state.modules.insert(*module);
  return CudaResult::Success;
}

CudaResult cuModuleUnload(CudaModuleHandle module) {
  Lock lock(state.mutex);
  CudaResult failure = recordUnsafe("cuModuleUnload");
  if (state.modules.count(module) == 0 || module->context != currentContext)
    return invalidValue;
  state.modules.erase(module);
  delete module;
  return failure;
}

/// A kernel is in a module whose image names it.
CudaResult cuModuleGetFunction(CudaFunctionHandle *function, CudaModuleHandle module, const char *name) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordInContext("cuModuleGetFunction", name); failure != CudaResult::Success)
    return failure;
  if (state.modules.count(module) == 0)
    return invalidValue;
  if (module->image.find(name) == std::string::npos)
    return notFound;
  std::unique_ptr<CudaFunctionState> &found = module->functions[name];
  found.reset(new CudaFunctionState{name});
  *function = found.get();
  return CudaResult::Success;
}

CudaResult cuFuncSetAttribute(CudaFunctionHandle function, CudaFunctionAttribute attribute, int value) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordInContext("cuFuncSetAttribute", static_cast<int>(attribute), value);
      failure != CudaResult::Success)
    return failure;
  function->maxSharedBytes = static_cast<unsigned>(value);
  return CudaResult::Success;
}

CudaResult cuLaunchKernel(CudaFunctionHandle function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                          unsigned blockY, unsigned blockZ, unsigned sharedBytes, CudaStreamHandle stream,
                          void **parameters, void **extra) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordInContext("cuLaunchKernel", function->name); failure != CudaResult::Success)
    return failure;
  if (gridX == 0 || blockX == 0 || blockX > 1024 || sharedBytes > function->maxSharedBytes || extra)
    return invalidValue;
  FakeLaunch launch{function->name, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, stream, {}};
  for (size_t i = 0; i < state.parameterBytes.size(); ++i) {
    const auto *bytes = static_cast<const uint8_t *>(parameters[i]);
    launch.parameters.emplace_back(bytes, bytes + state.parameterBytes[i]);
  }
  state.launches.push_back(std::move(launch));
  state.kernelFailed |= state.kernelFailure != CudaResult::Success;
  return CudaResult::Success;
}

#ifndef FAKE_CUDA_IS_OLD
CudaResult cuFuncLoad(CudaFunctionHandle function) {
  Lock lock(state.mutex);
  return recordInContext("cuFuncLoad", function->name);
}

CudaResult cuTensorMapEncodeTiled(TensorMap *map, CudaElementType type, uint32_t rank, void *address,
                                  const uint64_t *sizes, const uint64_t *strides, const uint32_t *box,
                                  const uint32_t *steps, CudaInterleave interleave, CudaSwizzle swizzle,
                                  CudaL2Promotion promotion, CudaOutOfBoundsFill fill) {
  Lock lock(state.mutex);
  if (CudaResult failure = recordInContext("cuTensorMapEncodeTiled"); failure != CudaResult::Success)
    return failure;
  state.encodings.push_back({type,
                             address,
                             {sizes, sizes + rank},
                             {strides, strides + rank - 1},
                             {box, box + rank},
                             {steps, steps + rank},
                             interleave,
                             swizzle,
                             promotion,
                             fill});
  bool valid = reinterpret_cast<uintptr_t>(address) % 16 == 0 && reinterpret_cast<uintptr_t>(map) % 64 == 0;
  for (uint32_t i = 0; i < rank; ++i)
    valid &= sizes[i] >= 1 && sizes[i] <= uint64_t{1} << 32 && box[i] >= 1 && box[i] <= 256 && steps[i] == 1;
  for (uint32_t i = 0; i + 1 < rank; ++i)
    valid &= strides[i] % 16 == 0 && strides[i] < uint64_t{1} << 40;
  if (!valid)
    return invalidValue;
  std::memset(map->bytes, 0xab, sizeof(map->bytes));
  return CudaResult::Success;
}
#endif

} // extern "C"

// The runtime calls these functions through its own declarations.
#define SPARSE_ATTN_CUDA_CALL(symbol, parameters)                                                                      \
  static_assert(std::is_same_v<decltype(&::symbol), decltype(CudaDriver::symbol)>);
#ifdef FAKE_CUDA_IS_OLD
#define SPARSE_ATTN_CUDA_OPTIONAL_CALL(symbol, parameters)
#endif
#include "cuda/CudaCalls.def"
