# Plants bugs in GPU kernels and checks that each of them is found.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# `mutations.py CHIP FOLDER` takes the kernel that --emit=nvvm prints, changes one line of it for each case, compiles the
# result with --kernels, and runs it on the simulated device under every schedule below. A bug of the order of work must be
# found by the verifier of kernels, at compile time; any other by at least one schedule: as a deadlock, as a race, or as a
# wrong result. The kernel without a bug passes all of them.

import collections
import itertools
import pathlib
import re
import subprocess
import sys

SCHEDULES = [("in_order", 1), ("random", 1), ("random", 2), ("random", 3), ("reverse", 1)]

# Head sizes of two slabs.
SOURCE = """
sparse_attn.pattern @pattern {{
  {0}
  sparse_attn.yield %p
}}
func.func @attention(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {{
  %o = sparse_attn.attention %q, %k, %v pattern(@pattern) : (tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}}
"""
CAUSAL = "%p = sparse_attn.causal"
DILATED = "%p = sparse_attn.stride step(3)"
# More items than blocks that run at a time; with more key tiles than stages, and with fewer.
INPUTS = ["--random=B=1,H=2,Hkv=1,S=320,Skv=480", "--random=B=1,H=4,Hkv=1,S=320,Skv=100"]
# Lengths that leave long and short residue classes.
UNEVEN_INPUTS = ["--random=B=1,H=2,Hkv=1,S=290,Skv=551"]
# What finds it: "simulator", or "verifier" with a part of its message.
Case = collections.namedtuple("Case", "name mutate finder message", defaults=("simulator", ""))


def lines_of(text, pattern):
    """Numbers of the lines that a pattern matches."""
    return [number for number, line in enumerate(text) if re.search(pattern, line)]


def change(pattern, occurrence, edit):
    """A mutation that edits one of the lines that match: `edit` takes the line and returns lines in its place."""

    def mutate(text):
        number = lines_of(text, pattern)[occurrence]
        return text[:number] + edit(text[number]) + text[number + 1 :]

    return mutate


def drop(pattern, occurrence):
    return change(pattern, occurrence, lambda line: [])


def replace(pattern, occurrence, old, new):
    def edit(line):
        edited = re.sub(old, new, line, count=1)
        assert edited != line, line
        return [edited]

    return change(pattern, occurrence, edit)


def operand(pattern, occurrence, position, kind, value):
    """Replaces operand `position` of an op by a constant."""

    def edit(line):
        used = re.findall(r"%[\w#]+", line.split(" = ")[-1])[position]
        head, tail = (line.split(" = ", 1) + [None])[:2] if " = " in line else ("", line)
        tail = re.sub(re.escape(used) + r"(?![\w#])", "%planted", tail, count=1)
        indent = re.match(" *", line).group()
        constant = f"{indent}%planted = llvm.mlir.constant({value} : {kind}) : {kind}"
        return [constant, f"{head} = {tail}" if head else tail]

    return change(pattern, occurrence, edit)


def move(pattern, occurrence, before, position):
    """Moves a branch whose second line matches, and all that its line needs, in front of another line."""

    def mutate(text):
        number, target = lines_of(text, pattern)[occurrence], lines_of(text, before)[position]
        (used,) = re.findall(r"%\w+", text[number])
        definition = next(line for line in reversed(text[:number]) if line.lstrip().startswith(f"{used} = "))
        branch = [definition.replace(used, "%planted", 1), text[number - 1], text[number].replace(used, "%planted"), "}"]
        rest = text[: number - 1] + text[number + 2 :]
        assert target < number, text[target]
        return rest[:target] + branch + rest[target:]

    return mutate


def insert(pattern, occurrence, line):
    return change(pattern, occurrence, lambda old: [line, old])


def replace_all(pattern, old, new):
    def mutate(text):
        assert lines_of(text, pattern), pattern
        return [re.sub(old, new, line) if re.search(pattern, line) else line for line in text]

    return mutate


AMPERE = [
    Case("wait for queries dropped", drop("cp.async.wait.group", 0)),
    Case("wait for keys dropped", replace("cp.async.wait.group", 1, "group 0", "group 1")),
    Case("wait for values dropped", replace("cp.async.wait.group", 2, "group 0", "group 1")),
    Case("barrier before the values dropped", drop(r"nvvm\.barrier$", 2)),
    Case("barrier before the next keys dropped", drop(r"nvvm\.barrier$", 3)),
    Case("transposition of values dropped", replace("nvvm.ldmatrix", -1, "<col>", "<row>")),
]

# mbarrier waits in the order of the text.
WAITS = ["item empty", "first keys empty", "queries empty", "keys empty", "values empty", "item empty at the end",
         "item full", "queries full", "first keys full", "first values full", "keys full", "values full"]
WAIT, EXPECT = "mbarrier.try_wait.parity", "mbarrier.arrive.expect_tx"
# Arrivals that no product comes before, likewise.
ARRIVALS = ["item full", "item full at the end", "item empty", "queries empty", "queries empty without tiles"]
ARRIVAL = r"mbarrier\.arrive %"
STAGE, DESCRIPTOR = r"arith\.remui .*%c2_i32", r"arith\.constant 46\d{17} : i64"
DROPPED = set(WAITS) - {"first keys empty", "item empty at the end"}  # These two never have to wait in a correct kernel.


def descriptor(leading, stride):
    """The constant part of a matrix descriptor, from two offsets in bytes."""
    return f"constant {1 << 62 | stride >> 4 << 32 | leading >> 4 << 16}"


HOPPER = [
    *(Case(f"wait dropped: {name}", drop(WAIT, number)) for number, name in enumerate(WAITS) if name in DROPPED),
    *(Case(f"wrong parity: {name}", operand(WAIT, WAITS.index(name), 1, "i32", 0))
      for name in ("keys full", "values full", "queries full")),
    *(Case(f"wrong stage, use {use}", operand(STAGE, use, 0, "i32", 0)) for use in range(7)),
    *(Case(f"{size} bytes expected, barrier {number}", operand(EXPECT, number, 1, "i32", size))
      for number in range(4) for size in (8192, 65536)),
    Case("wrong stride in the descriptor of keys", replace(DESCRIPTOR, 0, r"constant 46\d+", descriptor(16, 2048))),
    Case("wrong slab in the descriptor of values", replace(DESCRIPTOR, -1, r"constant 46\d+", descriptor(4096, 1024))),
    Case("barrier of all threads dropped", drop(r"nvvm\.barrier$", 0)),
    Case("barrier of a warpgroup dropped", drop(r"nvvm\.barrier.*number_of_threads", -1)),
    Case("initialisation fence dropped", drop("fence.mbarrier.init", 0)),
    Case("arrivals counted too low", operand("mbarrier.init", 5, 1, "i32", 4)),
    Case("arrivals counted too high", operand("mbarrier.init", 5, 1, "i32", 9)),
    *(Case(f"arrivals at queries empty counted as {count}", operand("mbarrier.init", 1, 1, "i32", count)) for count in (2, 9)),
    *(Case(f"arrival dropped: {name}", drop(ARRIVAL, ARRIVALS.index(name))) for name in ARRIVALS[2:]),
    Case("queries released after the first product", move(ARRIVAL, 3, r"scf\.for .*f32", 0)),
    Case("output written before the last store has read it", drop("cp.async.bulk.wait_group", 0)),
    Case("output written by warps that have not waited", drop(r"nvvm\.barrier.*number_of_threads", -3)),
    Case("output in the place of the queries", replace_all(r"%0\[98304\]", r"98304", "0")),
    Case("last store of the output not waited for", drop("cp.async.bulk.wait_group", 1)),
    Case("transposition of values dropped", replace(r"wgmma .*transposed", 0, " transposed", "")),
    Case("fence before the first product dropped", drop("wgmma.fence", 0), "verifier", "expects a fence of registers"),
    Case("fence in the loop dropped", drop("wgmma.fence", 1), "verifier", "expects a fence of registers"),
    Case("wait for too few groups", replace("wgmma_wait 1", 0, "wait 1", "wait 2"), "verifier", "more commits"),
    Case("wait that waits for nothing", replace("wgmma_wait 0", 1, "wait 0", "wait 1"), "verifier", "more commits"),
    Case("commit dropped", drop("wgmma.commit.group", 0), "verifier", "more commits"),
    Case("queries released before the last product", insert("wgmma_wait 1", 0, "nvvm.mbarrier.arrive %0 : !llvm.ptr<3>"),
         "verifier", "no product in flight"),
    Case("proxy fence dropped", drop("nvvm.fence.proxy", 0), "verifier", "nvvm.fence.proxy"),
]

# Where shared memory has no room for it, the output takes the place of the queries, and its store frees them.
OUTPUT_OVER_QUERIES = [
    *(Case(f"arrivals at queries empty counted as {count}", operand("mbarrier.init", 1, 1, "i32", count)) for count in (1, 3)),
    Case("arrival dropped: queries empty", drop(ARRIVAL, 3)),
    Case("store of the output not waited for", drop("cp.async.bulk.wait_group", 0)),
    Case("proxy fence dropped", drop("nvvm.fence.proxy", 0), "verifier", "nvvm.fence.proxy"),
]

# Of each array there is a map of the long classes and one of the short ones.
MAP = r"arith.select .* : !llvm.ptr"
CLASSES = [
    Case(f"{array}: maps of {kind} classes for all", operand(MAP, number, 0, "i1", value))
    for number, array in enumerate(("first keys", "queries", "keys", "values", "output"))
    for kind, value in (("long", 1), ("short", 0))
]

# Kernels and what is planted in them.
Suite = collections.namedtuple("Suite", "pattern inputs tile_q tile_k cases")
SUITES = {
    "sm_80": [Suite(CAUSAL, INPUTS, 64, 64, AMPERE)],
    "sm_90a": [
        Suite(CAUSAL, INPUTS, 128, 64, HOPPER),
        Suite(CAUSAL, INPUTS, 128, 176, OUTPUT_OVER_QUERIES),
        Suite(DILATED, UNEVEN_INPUTS, 128, 64, CLASSES),
    ],
}


class Bench:
    def __init__(self, chip, suite, folder):
        self.flags = [f"--target={chip}", f"--tile-q={suite.tile_q}", f"--tile-k={suite.tile_k}"]
        self.folder, self.inputs = folder, suite.inputs
        folder.mkdir(parents=True, exist_ok=True)
        self.source = folder / "pattern.mlir"
        self.source.write_text(SOURCE.format(suite.pattern))

    def compile(self, *flags):
        command = ["sparse-attn-compile", self.source, *self.flags, *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def print_kernel(self):
        path = self.folder / "kernel.mlir"
        self.compile("--emit=nvvm", "-o", path).check_returncode()
        return path.read_text().split("\n")

    def compile_kernel(self, text):
        path = self.folder / "mutant.mlir"
        path.write_text("\n".join(text))
        return self.compile("--simulate", f"--kernels={path}", "-o", self.folder / "mutant.so")

    def find(self):
        """What the runs find, or an empty string."""
        for inputs, (schedule, seed) in itertools.product(self.inputs, SCHEDULES):
            command = ["sparse-attn-run", self.folder / "mutant.so", "--device=sim", f"--sim-schedule={schedule}",
                       f"--sim-seed={seed}", inputs, "--verify"]
            result = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if result.returncode not in (0, 1, 2):
                sys.exit(f"{inputs} {schedule} {seed}: the tool ended with {result.returncode}")
            if result.returncode != 0:
                return f"{schedule} {seed}: " + result.stderr.strip().split("\n")[0]
        return ""

    def check(self, case, kernel):
        """Whether a case is found as it has to be, and by what."""
        compiled = self.compile_kernel(case.mutate(kernel))
        if case.finder == "verifier":
            return compiled.returncode != 0 and case.message in compiled.stderr, compiled.stderr.strip().split("\n")[0]
        if compiled.returncode != 0:
            return False, compiled.stderr.strip().split("\n")[0]
        found = self.find()
        return bool(found), found or "not found"


def main():
    chip, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    planted = failures = 0
    for suite in SUITES[chip]:
        bench = Bench(chip, suite, folder)
        kernel = bench.print_kernel()
        bench.compile_kernel(kernel).check_returncode()
        if found := bench.find():
            sys.exit(f"FAILED: without a bug: {found}")
        for case in suite.cases:
            passed, found = bench.check(case, kernel)
            planted, failures = planted + 1, failures + (not passed)
            print(f"{'found' if passed else 'FAILED'}: {suite.tile_q} x {suite.tile_k}: {case.name}: {found[:160]}", flush=True)
    print(f"{planted - failures} of {planted} bugs found")
    sys.exit(failures > 0)


main()
