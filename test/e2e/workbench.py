# Compiles modules, runs their functions and compares the results with the oracle.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A driver is called as `DRIVER.py DEVICE FOLDER`, finds the tools on the PATH, and exits with 1 where a check failed. What
# a driver does on a simulated GPU is smaller, and each of its runs orders the threads in another way.

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np

from oracle import element_types, formulas, reference

ELEMENT_TYPES = ("bf16", "f16")  # of GPUs
LONGEST_RUN = 10  # seconds
SCHEDULES = ("in_order", "random", "reverse")

# What a driver needs to know of a device. `kind` is its name for sparse-attn-run; tiles are the smallest and the largest
# queries and keys of one, of which all others are multiples of the smallest.
Device = collections.namedtuple("Device", "kind flags dtypes least_tile most_tile")

DEVICES = {
    "cpu": Device("cpu", ["--target=cpu", "--cpu=native"], element_types.NAMES, (16, 8), (256, 512)),
    "cpu-levels": Device("cpu", ["--target=cpu"], element_types.NAMES, (16, 8), (256, 512)),
    "sim-sm_80": Device("sim", ["--target=sm_80", "--simulate"], ELEMENT_TYPES, (16, 16), (128, 128)),
    "sim-sm_90a": Device("sim", ["--target=sm_90a", "--simulate"], ELEMENT_TYPES, (64, 16), (192, 256)),
}

Sizes = collections.namedtuple("Sizes", "batch heads key_heads queries keys")


class Function:
    """A function of a module: one attention, and what becomes of its scores, if anything does (a ScoreRegion)."""

    def __init__(self, name, expression, dtype, head_size, lse, scale, score):
        self.name = name
        self.expression = expression
        self.dtype = dtype
        self.head_size = head_size
        self.lse = lse
        self.scale = scale
        self.score = score

    @property
    def captures(self):
        """Names and types of what pattern and scores capture."""
        return {**self.expression.captures, **(self.score.captures if self.score else {})}


class Module:
    """Functions to be compiled together; each is one attention over its own pattern."""

    def __init__(self):
        self.functions = []

    def add(self, name, expression, dtype, head_size=32, lse=True, scale=None, score=None):
        self.functions.append(Function(name, expression, dtype, head_size, lse, scale, score))
        return self.functions[-1]

    def text(self):
        return "\n".join(self.function_text(function) for function in self.functions)

    @staticmethod
    def function_text(f):
        array = f"tensor<?x?x?x{f.head_size}x{f.dtype}>"
        captures = f.expression.captures
        arguments = [f"%{name}: {kind}" for name, kind in [*((n, array) for n in "qkv"), *f.captures.items()]]
        names, kinds = ", ".join(f"%{name}" for name in captures), ", ".join(captures.values())
        use = f"@{f.name}_pattern" + (f"({names}) : ({kinds})" if captures else "")
        scale = f" scale({f.scale:.17e})" if f.scale is not None else ""
        score = f" {f.score.text()}" if f.score else ""
        types = f"({array}, tensor<?x?x?xf32>)" if f.lse else array
        results = "%o, %l" if f.lse else "%o"
        return f"""{f.expression.pattern(f.name + "_pattern")}
func.func @{f.name}({", ".join(arguments)}) -> {types} {{
  {results} = sparse_attn.attention %q, %k, %v pattern({use}){scale}{score} : ({array}, {array}, {array}) -> {types}
  return {results} : {types.strip("()")}
}}
"""


class Problem:
    """Query, key and value as encoded arrays, and captured values."""

    def __init__(self, function, sizes, seed, captures=None):
        generator = np.random.default_rng(seed)
        query = (sizes.batch, sizes.heads, sizes.queries, function.head_size)
        key = (sizes.batch, sizes.key_heads, sizes.keys, function.head_size)
        draw = lambda shape: element_types.encode(generator.standard_normal(shape), function.dtype)
        self.sizes = sizes
        self.query, self.key, self.value = draw(query), draw(key), draw(key)
        self.captures = {name: value for name, value in (captures or {}).items() if name in function.captures}

    def frame(self, b, h):
        return formulas.Frame(b, h, self.sizes.queries, self.sizes.keys, self.captures)


class Workbench:
    """A device, a folder with artifacts and arrays, and the count of checks."""

    def __init__(self, device, folder):
        self.name = device
        self.device = DEVICES[device]
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.checks = 0
        self.failures = 0
        self.runs = 0
        self.order = ()
        self.worst = collections.defaultdict(float)

    @property
    def on_cpu(self):
        return self.device.kind == "cpu"

    @property
    def dtypes(self):
        """Element types that the device has; the first is for checks that need but one."""
        return self.device.dtypes

    def next_order(self):
        """Flags that order the threads of a simulated GPU: a schedule drawn for each call, the same in each run of a
        driver, and a seed of its own."""
        if self.device.kind != "sim":
            return ()
        self.runs += 1
        schedule = SCHEDULES[np.random.default_rng(self.runs).integers(len(SCHEDULES))]
        return f"--sim-schedule={schedule}", f"--sim-seed={self.runs}"

    def try_compile(self, module, *flags, name="module"):
        """Returns the path of the artifact; raises subprocess.CalledProcessError where the compiler fails."""
        source, artifact = self.folder / f"{name}.mlir", self.folder / f"{name}.so"
        source.write_text(module.text())
        command = ["sparse-attn-compile", source, "-o", artifact, *self.device.flags, *flags]
        subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
        return artifact

    def compile(self, module, *flags, name="module"):
        """Returns the path of the artifact; ends the program where the compiler fails."""
        try:
            return self.try_compile(module, *flags, name=name)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{name}: the compiler ended with {error.returncode}:\n{error.stderr[-2000:]}")

    def run(self, artifact, function, problem, *options, tiles=False, environment=None):
        """Returns output and log-sum-exp (or None) as stored; then, if asked for, the visited tiles and the report. Raises
        subprocess.CalledProcessError where the tool fails."""
        file = lambda name: self.folder / f"{name}.npy"
        command = ["sparse-attn-run", artifact, f"--function={function.name}", f"--device={self.device.kind}"]
        self.order = self.next_order()
        for name, array in (("q", problem.query), ("k", problem.key), ("v", problem.value)):
            np.save(file(name), array)
            command.append(f"--{name}={file(name)}")
        for name, value in problem.captures.items():
            if isinstance(value, (formulas.BlockMask, list)):
                command += [f"--mask={name}={path}" for path in self.write_masks(name, value)]
                continue
            if isinstance(value, np.ndarray):
                np.save(file(name), value)
                value = file(name)
            command.append(f"--capture={name}={value}")
        outputs = ["out"] + ["lse"] * function.lse + ["tiles"] * tiles
        command += [f"--{name}={file(name)}" for name in outputs]
        report = self.folder / "report.json"
        command += [f"--json={report}"] * tiles
        self.run_tool([*command, *self.order, *options], environment)
        results = [np.load(file("out")), np.load(file("lse")) if function.lse else None]
        if not tiles:
            return results
        return [*results, np.load(file("tiles")), json.loads(report.read_text())]

    @staticmethod
    def run_tool(command, environment):
        """A simulated GPU whose threads wait for each other has failed too."""
        try:
            subprocess.run(
                command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=LONGEST_RUN,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise subprocess.CalledProcessError(-signal.SIGKILL, command, stderr=str(error)) from error

    def write_masks(self, name, mask):
        """Writes a file for each batch and head that has a mask of its own, or for each head of a list of masks; returns
        their paths in order."""
        if isinstance(mask, list):
            return [path for n, one in enumerate(mask) for path in self.write_masks(f"{name}_{n}", one)]
        paths = []
        for number, active in enumerate(mask.active.reshape(-1, *mask.active.shape[2:])):
            array, path = self.folder / f"{name}_{number}.npy", self.folder / f"{name}_{number}.mask"
            np.save(array, active)
            size = f"{mask.query_block}x{mask.key_block}"
            subprocess.run(["sparse-attn-mask", "create", array, f"--block={size}", "-o", path], check=True)
            paths.append(path)
        return paths

    def expect(self, condition, *message):
        """Counts a check; prints the message where it failed."""
        self.checks += 1
        if not condition:
            self.failures += 1
            print("FAILED:", *message, *self.order, flush=True)
        return condition

    @staticmethod
    def wanted(function, problem):
        """Output and log-sum-exp by the oracle."""
        arrays = (element_types.decode(array, function.dtype) for array in (problem.query, problem.key, problem.value))
        mask = lambda b, h: function.expression.holds(problem.frame(b, h))
        score = function.score and (lambda b, h, scores: function.score.formula(problem.frame(b, h), scores))
        return reference.attention(*arrays, mask, function.scale, score)

    def compare(self, label, function, problem, output, lse):
        """Compares results with the oracle."""
        dtype = function.dtype
        wanted, wanted_lse = self.wanted(function, problem)
        output = element_types.decode(output, dtype)
        if not self.expect(output.shape == wanted.shape, label, "shapes", output.shape, wanted.shape):
            return
        error = reference.output_error(output, wanted, element_types.decode(problem.value, dtype))
        self.note(label, f"{dtype} output", error, reference.OUTPUT_TOLERANCE[dtype])
        if lse is not None:
            error = reference.largest_difference(lse.astype(np.float64), wanted_lse)
            self.note(label, f"{dtype} log-sum-exp", error, reference.LSE_TOLERANCE[dtype])

    def note(self, label, what, error, tolerance):
        self.worst[what] = max(self.worst[what], error)
        self.expect(error <= tolerance, f"{label}: {what}: error {error:.3g} exceeds {tolerance:.3g}")

    def check(self, label, artifact, function, problem, *options, environment=None):
        """Runs and compares; returns the stored results, or None where the run failed."""
        try:
            output, lse = self.run(artifact, function, problem, *options, environment=environment)
        except subprocess.CalledProcessError as error:
            self.expect(False, label, f"the run ended with {error.returncode}:", error.stderr[-500:])
            return None
        self.compare(label, function, problem, output, lse)
        return output, lse

    def finish(self):
        """Prints the tally and ends the program."""
        for what, error in sorted(self.worst.items()):
            print(f"largest error of {what}: {error:.3g}")
        print(f"{self.checks - self.failures} of {self.checks} checks passed")
        sys.exit(1 if self.failures or not self.checks else 0)


def start():
    """The workbench that the command line names, and its remaining arguments."""
    if len(sys.argv) < 3 or sys.argv[1] not in DEVICES:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(DEVICES)} FOLDER [...]")
    return Workbench(sys.argv[1], sys.argv[2]), sys.argv[3:]
