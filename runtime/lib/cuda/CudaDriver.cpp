//===- CudaDriver.cpp - The CUDA driver, loaded at run time ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaDriver.h"

#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>

namespace sparse_attn {

namespace {

constexpr const char *defaultLibrary = "libcuda.so.1";
constexpr const char *libraryVariable = "SPARSE_ATTN_CUDA_LIBRARY";

const char *dynamicLinkerError() {
  const char *message = dlerror();
  return message ? message : "no reason";
}

/// Looks a function up; null where there is none.
template <typename Function> void find(void *library, const char *symbol, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
}

/// Fills the table. Returns the name of a function that is missing, or null.
const char *findFunctions(void *library, CudaDriver &driver) {
#define SPARSE_ATTN_CUDA_CALL(symbol, parameters)                                                                      \
  find(library, #symbol, driver.symbol);                                                                               \
  if (!driver.symbol)                                                                                                  \
    return #symbol;
#define SPARSE_ATTN_CUDA_OPTIONAL_CALL(symbol, parameters) find(library, #symbol, driver.symbol);
#include "CudaCalls.def"
  return nullptr;
}

Status open(const std::string &path, CudaDriver &driver) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return makeError(StatusCode::Unsupported, "expects a CUDA driver (", path, "), but got: ", dynamicLinkerError());
  const char *missing = findFunctions(library, driver);
  if (!missing)
    return {};
  dlclose(library);
  return makeError(StatusCode::Unsupported, "expects a CUDA driver with ", missing, ", but got ", path, " without it");
}

/// The drivers that were loaded, by path. Never destroyed: memory may be freed while the program exits.
struct LoadedDrivers {
  std::mutex mutex;
  std::map<std::string, CudaDriver> drivers;
};

LoadedDrivers &loadedDrivers() {
  static LoadedDrivers *instance = new LoadedDrivers;
  return *instance;
}

} // namespace

std::string CudaDriver::errorText(CudaResult result) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(result, &name) != CudaResult::Success || !name)
    return "error " + std::to_string(static_cast<int32_t>(result));
  if (cuGetErrorString(result, &text) != CudaResult::Success || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}

Result<const CudaDriver *> loadCudaDriver() {
  const char *variable = std::getenv(libraryVariable);
  std::string path = variable && *variable ? variable : defaultLibrary;
  LoadedDrivers &loaded = loadedDrivers();
  std::lock_guard<std::mutex> lock(loaded.mutex);
  if (auto found = loaded.drivers.find(path); found != loaded.drivers.end())
    return &found->second;
  CudaDriver driver;
  if (Status status = open(path, driver); !status.isOk())
    return status;
  return &loaded.drivers.emplace(path, driver).first->second;
}

std::string cudaVersionText(int32_t version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

} // namespace sparse_attn
