# The modules of test/oracle, found from here.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "oracle"))

import element_types  # noqa: E402, F401
import formulas  # noqa: E402, F401
import reference  # noqa: E402, F401
