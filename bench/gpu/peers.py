# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What others make of the same arrays. Each peer yields candidates (label, function); a function returns the output
[1, heads, queries, head size], and the benchmark keeps the fastest candidate that computes the right thing.

What is not installed, or cannot do a pattern, raises Unavailable with the reason."""

import importlib
import os
import re
import subprocess

NAMES = ("sdpa", "flex", "flex uncached", "torch.sparse", "flash", "cutlass")
DENSE_KERNELS = ("sdpa", "flash", "cutlass")
MOST_SPARSE_PAIRS = 1 << 26  # A head, of torch.sparse: it keeps four bytes or more for each in several arrays.


class Unavailable(Exception):
    pass


def stands_for(name, formula):
    """Whether a peer, which has no such pattern, is compared as dense attention: causal where the pattern lies in the
    past."""
    if formula.tree or formula.name in ("dense", "causal"):
        return False
    return name in DENSE_KERNELS and not (name == "flash" and formula.window is not None)


class DeviceArray:
    """Memory of ours as PyTorch takes it."""

    def __init__(self, address, shape):
        self.__cuda_array_interface__ = {"shape": shape, "typestr": "<i2", "data": (address, False), "version": 2}


def load(module):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unavailable(f"no {module} ({error})") from None


def versions():
    """Of what is installed; None for what is not."""
    found = {}
    for module in ("torch", "triton", "flash_attn", "flash_attn_interface"):
        try:
            found[module] = getattr(importlib.import_module(module), "__version__", "installed")
        except ImportError:
            found[module] = None
    found["cutlass"] = os.environ.get("CUTLASS_FMHA")
    return found


class Peers:
    """Candidates for the arrays of one shape: views of `query`, `key`, `value` [heads, length, head size]."""

    def __init__(self, shape, query, key, value):
        self.shape = shape
        self.buffers = (query, key, value)
        self.tensors = None

    def bind(self):
        """PyTorch, and the arrays as its tensors."""
        torch = load("torch")
        if not torch.cuda.is_available():
            raise Unavailable("PyTorch sees no GPU")
        if self.tensors is None:
            s = self.shape
            sizes = ((s.heads, s.queries), (s.key_heads, s.keys), (s.key_heads, s.keys))
            arrays = (DeviceArray(b.address, (1, *size, s.head_size)) for b, size in zip(self.buffers, sizes))
            self.tensors = [torch.as_tensor(array, device="cuda").view(torch.bfloat16) for array in arrays]
        return torch, *self.tensors

    def release(self):
        """Gives PyTorch's memory back, so that ours fits beside it."""
        if self.tensors is not None:
            load("torch").cuda.empty_cache()

    def candidates(self, name, formula):
        return {
            "sdpa": self.sdpa, "flex": self.flex, "torch.sparse": self.sparse, "flash": self.flash,
        }[name](formula)  # fmt: skip

    def sdpa(self, formula):
        torch, query, key, value = self.bind()
        attention = load("torch.nn.attention")
        grouped = {"enable_gqa": True} if self.shape.heads != self.shape.key_heads else {}
        if formula.tree:
            grouped["attn_mask"] = torch.from_numpy(formula.mask()).cuda()[None, None]
        else:
            grouped["is_causal"] = formula.causal

        def run(backend):
            with attention.sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(query, key, value, **grouped)

        for name in ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION"):
            backend = getattr(attention.SDPBackend, name, None)
            if backend is not None:
                yield name.lower().replace("_attention", ""), lambda backend=backend: run(backend)

    def flex_parts(self, formula, block):
        """A function that makes the block mask, and one that runs with it."""
        torch, query, key, value = self.bind()
        flex = load("torch.nn.attention.flex_attention")
        condition, s = formula.mask_mod(torch), self.shape
        torch._dynamo.reset()
        # Compiled for these sizes, as a user who wants speed would.
        compiled = torch.compile(flex.flex_attention, dynamic=False)
        create = torch.compile(flex.create_block_mask)
        options = {"BLOCK_M": block, "BLOCK_N": block} if block < 128 else None
        grouped = s.heads != s.key_heads

        def make():
            if condition is None:
                return None
            return create(condition, None, None, s.queries, s.keys, device="cuda", BLOCK_SIZE=block)

        def run(mask):
            return compiled(query, key, value, block_mask=mask, enable_gqa=grouped, kernel_options=options)

        return make, run

    def flex(self, formula):
        # Blocks of 128 are the default; lists of smaller blocks may be quicker with their own.
        for block in (128, 64) if formula.artifact == "blocks" else (128,):
            make, run = self.flex_parts(formula, block)
            mask = make()
            yield f"blocks of {block}", lambda run=run, mask=mask: run(mask)

    def flex_uncached(self, formula, block):
        """The mask made anew for every call."""
        if formula.name == "dense":
            raise Unavailable("there is no mask")
        make, run = self.flex_parts(formula, block)
        return lambda: run(make())

    def flash(self, formula):
        _, query, key, value = self.bind()
        rows = [tensor.transpose(1, 2) for tensor in (query, key, value)]
        if formula.tree:
            raise Unavailable("no masks but causal ones and windows")
        window = (formula.window, 0) if formula.window is not None else (-1, -1)
        modules = []
        for module, label in (("flash_attn_interface", "FlashAttention 3"), ("flash_attn", "FlashAttention 2")):
            try:
                modules.append((load(module), label))
            except Unavailable:
                pass
        if not modules:
            raise Unavailable("no flash_attn_interface and no flash_attn")

        def run(module):
            output = module.flash_attn_func(*rows, causal=formula.causal, window_size=window)
            return (output[0] if isinstance(output, tuple) else output).transpose(1, 2)

        for module, label in modules:
            yield label, lambda module=module: run(module)

    def sparse(self, formula):
        """Head by head, in f32, the only type there is: scores at the pairs, softmax of the rows, product."""
        torch, query, key, value = self.bind()
        s = self.shape
        if formula.pairs() > MOST_SPARSE_PAIRS:
            raise Unavailable(f"more than {MOST_SPARSE_PAIRS} pairs a head")
        rows = [formula.keys(q) for q in range(s.queries)]
        counts = torch.tensor([row.size for row in rows], device="cuda")
        offsets = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
        columns = torch.cat([torch.from_numpy(row) for row in rows]).cuda()
        row_of_pair = torch.repeat_interleave(torch.arange(s.queries, device="cuda"), counts)
        size = (s.queries, s.keys)
        pattern = torch.sparse_csr_tensor(offsets, columns, torch.zeros(columns.numel(), device="cuda"), size)
        query, key, value = (tensor[0].float() for tensor in (query, key, value))
        group, scale = s.heads // s.key_heads, s.head_size**-0.5

        def head(h):
            scores = torch.sparse.sampled_addmm(pattern, query[h], key[h // group].T, beta=0, alpha=scale).values()
            largest = torch.full((s.queries,), -torch.inf, device="cuda")
            largest.scatter_reduce_(0, row_of_pair, scores, "amax")
            weights = torch.exp(scores - largest[row_of_pair])
            sums = torch.zeros(s.queries, device="cuda").scatter_add_(0, row_of_pair, weights)
            return torch.sparse_csr_tensor(offsets, columns, weights / sums[row_of_pair], size) @ value[h // group]

        yield "f32", lambda: torch.stack([head(h) for h in range(s.heads)])[None].bfloat16()

    def cutlass_ms(self, formula):
        """Milliseconds of CUTLASS's example 88_hopper_fmha, in f16 and by its own clock (a mean, with a warm cache)."""
        program, s = os.environ.get("CUTLASS_FMHA"), self.shape
        if not program:
            raise Unavailable("CUTLASS_FMHA does not name the program 88_hopper_fmha")
        if s.heads != s.key_heads or formula.tree:
            raise Unavailable("88_hopper_fmha has no grouped heads and no masks but the causal one")
        command = [program, "--b=1", f"--h={s.heads}", f"--q={s.queries}", f"--k={s.keys}", f"--d={s.head_size}",
                   f"--mask={'causal' if formula.causal else 'no'}", "--iterations=20", "--verbose"]  # fmt: skip
        try:
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"88_hopper_fmha failed: {error}") from None
        times = [float(time) for time in re.findall(r"t=([0-9.e+-]+)ms", output)]
        # A kernel that it cannot run shows as 0.
        times = [time for time in times if time > 0]
        if not times:
            raise Unavailable("88_hopper_fmha printed no time")
        return min(times)
