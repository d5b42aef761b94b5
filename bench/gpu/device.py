# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The memory that kernels run on, and their times: a GPU through the CUDA driver, or the simulated device, whose memory
is the host's and whose times mean nothing."""

import ctypes
import statistics
import subprocess
import time

import numpy as np


class SimulatedDevice:
    name = "sim"
    measures = False

    class Buffer:
        def __init__(self, size):
            self.memory = np.empty(size + 256, np.uint8)
            self.address = self.memory.ctypes.data + -self.memory.ctypes.data % 256
            self.size = size

        def bytes(self):
            start = self.address - self.memory.ctypes.data
            return self.memory[start : start + self.size]

        def free(self):
            self.memory = None

    def describe(self):
        return {"device": "simulated", "driver": None}

    def allocate(self, size):
        return self.Buffer(size)

    def write(self, buffer, array):
        buffer.bytes()[:] = array.reshape(-1).view(np.uint8)

    def read(self, buffer, offset, array):
        """Fills `array` with what lies `offset` bytes into the buffer."""
        array.reshape(-1).view(np.uint8)[:] = buffer.bytes()[offset : offset + array.nbytes]

    def fill(self, buffer, byte):
        buffer.bytes().fill(byte)

    def synchronize(self):
        pass


class CudaError(RuntimeError):
    pass


class CudaDevice:
    """Device 0, in its primary context, which PyTorch and our runtime use too. All work is on the default stream."""

    name = "cuda"
    measures = True
    WARM_UPS, FEWEST, MOST = 3, 10, 200
    # Fills before each measured call: they empty the L2 cache, and keep the GPU busy (about 1 ms) while the host
    # enqueues the call, so that no host time lies between the events.
    FILLS = 16
    MULTIPROCESSORS, L2_BYTES, MAJOR, MINOR = 16, 38, 75, 76  # CUdevice_attribute

    class Buffer:
        def __init__(self, device, size):
            self.device, self.size = device, size
            pointer = ctypes.c_uint64()
            device.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(size, 1)))
            self.address = pointer.value

        def free(self):
            self.device.call("cuMemFree_v2", ctypes.c_uint64(self.address))

    def __init__(self):
        try:
            self.driver = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise CudaError(f"expects an NVIDIA driver, but got: {error}") from None
        self.device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuInit", 0)
        self.call("cuDeviceGet", ctypes.byref(self.device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)
        self.events = [ctypes.c_void_p() for _ in range(2)]
        for event in self.events:
            self.call("cuEventCreate", ctypes.byref(event), 0)
        self.flushed = self.allocate(2 * self.attribute(self.L2_BYTES))

    def call(self, function, *arguments):
        status = getattr(self.driver, function)(*arguments)
        if status != 0:
            text = ctypes.c_char_p()
            self.driver.cuGetErrorString(status, ctypes.byref(text))
            raise CudaError(f"{function}: {(text.value or b'error %d' % status).decode()}")

    def attribute(self, number):
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
        return value.value

    def target(self):
        """What our artifacts for this GPU are compiled for."""
        capability = (self.attribute(self.MAJOR), self.attribute(self.MINOR))
        return "sm_90a" if capability == (9, 0) else "sm_80"

    def describe(self):
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, 256, self.device)
        version = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        query = ["nvidia-smi", "--id=0", "--query-gpu=driver_version", "--format=csv,noheader"]
        try:
            driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            driver = "version unknown"
        return {
            "device": name.value.decode(),
            "driver": f"{driver}, CUDA {version.value // 1000}.{version.value % 1000 // 10}",
            "multiprocessors": self.attribute(self.MULTIPROCESSORS),
            "l2_bytes": self.attribute(self.L2_BYTES),
        }

    def allocate(self, size):
        return self.Buffer(self, size)

    def write(self, buffer, array):
        size = ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyHtoD_v2", ctypes.c_uint64(buffer.address), ctypes.c_void_p(array.ctypes.data), size)

    def read(self, buffer, offset, array):
        """Fills `array` with what lies `offset` bytes into the buffer."""
        source, size = ctypes.c_uint64(buffer.address + offset), ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), source, size)

    def fill(self, buffer, byte):
        self.call("cuMemsetD8_v2", ctypes.c_uint64(buffer.address), ctypes.c_ubyte(byte), ctypes.c_size_t(buffer.size))

    def synchronize(self):
        self.call("cuCtxSynchronize")

    def time_once(self, run):
        """Milliseconds of the GPU between two events around `run`, with a cold L2 cache."""
        flushed, size = ctypes.c_uint64(self.flushed.address), ctypes.c_size_t(self.flushed.size)
        for _ in range(self.FILLS):
            self.call("cuMemsetD8Async", flushed, ctypes.c_ubyte(0), size, None)
        self.call("cuEventRecord", self.events[0], None)
        run()
        self.call("cuEventRecord", self.events[1], None)
        self.call("cuEventSynchronize", self.events[1])
        elapsed = ctypes.c_float()
        self.call("cuEventElapsedTime", ctypes.byref(elapsed), *self.events)
        return elapsed.value

    def time(self, run, budget_ms):
        """The median of as many runs as fit the budget, at least 10 and at most 200."""
        for _ in range(self.WARM_UPS):
            run()
        once = self.time_once(run)
        repeats = min(max(int(budget_ms / max(once, 1e-3)), self.FEWEST), self.MOST)
        return statistics.median(self.time_once(run) for _ in range(repeats))

    def time_on_host(self, run, repeats, wait):
        """Median milliseconds that pass on the host: until `run` returns, or where `wait`, until the GPU is done."""
        times = []
        for _ in range(repeats + 1):  # The first warms up.
            self.synchronize()
            start = time.perf_counter()
            run()
            if wait:
                self.synchronize()
            times.append(1e3 * (time.perf_counter() - start))
        self.synchronize()
        return statistics.median(times[1:])
