# Finds MLIR 22 and prepares the folder that includes this file, and the folders below it, to build against it.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Gives mlir_tablegen, add_mlir_library, add_mlir_tool, ... of LLVM, LLVM_TOOLS_BINARY_DIR, and
#   sparse_attn_compiler_target(<target>...)
# for every target whose sources include MLIR or LLVM headers, and sparse_attn_precompiled_headers(<library>). All of them link the shared libMLIR.

set(SPARSE_ATTN_LLVM_MAJOR 22)

# MLIR's package file accepts no version range, so the version is checked after it is found.
find_package(MLIR CONFIG HINTS /usr/lib/llvm-${SPARSE_ATTN_LLVM_MAJOR}/lib/cmake/mlir)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR
    "expects MLIR ${SPARSE_ATTN_LLVM_MAJOR}, but got none\n"
    "Install libmlir-${SPARSE_ATTN_LLVM_MAJOR}-dev, mlir-${SPARSE_ATTN_LLVM_MAJOR}-tools and "
    "llvm-${SPARSE_ATTN_LLVM_MAJOR}-dev (scripts/setup.sh does), pass -DMLIR_DIR=<prefix>/lib/cmake/mlir, "
    "or build the runtime alone with -DSPARSE_ATTN_BUILD_COMPILER=OFF.")
endif()
if(NOT LLVM_VERSION_MAJOR EQUAL SPARSE_ATTN_LLVM_MAJOR)
  message(FATAL_ERROR
    "expects MLIR ${SPARSE_ATTN_LLVM_MAJOR}, but got ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}\n"
    "Pass -DMLIR_DIR=<prefix of LLVM ${SPARSE_ATTN_LLVM_MAJOR}>/lib/cmake/mlir.")
endif()
message(STATUS "Found MLIR ${LLVM_PACKAGE_VERSION}: ${MLIR_DIR}")

# The shared libMLIR holds every dialect once. A static copy beside it has type ids of its own, and casts between the
# two fail silently.
set(MLIR_LINK_MLIR_DYLIB ON)
set(LLVM_RUNTIME_OUTPUT_INTDIR ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
set(LLVM_LIBRARY_OUTPUT_INTDIR ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
# Without this, tools made by add_mlir_tool are left out of the default target.
set(LLVM_BUILD_TOOLS ON)
# Our libraries are parts of the tools, nothing to install on their own; a tool installs itself.
set(LLVM_INSTALL_TOOLCHAIN_ONLY ON)

list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# mlir_tablegen takes its search path from the folder's include directories; targets inherit them as well.
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})

# libstdc++ defines _GLIBCXX_USE_CXX11_ABI itself; a second definition is a warning in every file.
separate_arguments(SPARSE_ATTN_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
list(FILTER SPARSE_ATTN_LLVM_DEFINITIONS EXCLUDE REGEX "_GLIBCXX_USE_CXX11_ABI")

# Marks targets that include MLIR or LLVM headers: no run-time type information, as in LLVM itself, and LLVM's
# definitions. Covers the object library that add_mlir_library may make beside a library. Targets made by
# add_mlir_library, add_mlir_tool and the like get -fno-rtti from LLVM too; twice does no harm.
function(sparse_attn_compiler_target)
  foreach(name IN LISTS ARGN)
    foreach(target ${name} obj.${name})
      if(TARGET ${target})
        target_compile_options(${target} PRIVATE ${SPARSE_ATTN_LLVM_DEFINITIONS} $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
        target_include_directories(${target} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
      endif()
    endforeach()
  endforeach()
endfunction()

option(SPARSE_ATTN_PRECOMPILE_HEADERS "Precompile the headers of MLIR: most of the time of a compilation" ON)

# The headers that most of the compiler's sources include, once for its libraries.
if(SPARSE_ATTN_PRECOMPILE_HEADERS)
  # Written once, so that configuring again compiles nothing again.
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled/Precompiled.cpp CONTENT "")
  add_library(sparse_attn_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled/Precompiled.cpp)
  sparse_attn_compiler_target(sparse_attn_precompiled)
  target_precompile_headers(sparse_attn_precompiled PRIVATE
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/LLVMIR/LLVMDialect.h>
    <mlir/Dialect/LLVMIR/NVVMDialect.h>
    <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/IR/Builders.h>
    <mlir/IR/BuiltinOps.h>
    <mlir/IR/IRMapping.h>
    <mlir/IR/PatternMatch.h>
    <mlir/IR/SymbolTable.h>
    <mlir/Pass/Pass.h>)
endif()

function(sparse_attn_precompiled_headers target)
  if(SPARSE_ATTN_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM sparse_attn_precompiled)
  endif()
endfunction()
