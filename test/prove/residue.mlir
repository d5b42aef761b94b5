// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s
// RUN: sparse-attn-prove %s --tile-q=128 --tile-k=32 | FileCheck %s --check-prefix=OTHER
// OTHER: {{[1-9][0-9]*}} proved, 0 refuted, 0 open

// Attention within residue classes.

!t = tensor<?x2x?x64xf32>

sparse_attn.pattern @dilated(%n: index) {
  %window = sparse_attn.window left(%n) right(%n)
  %eighth = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %window, %eighth
  sparse_attn.yield %p
}
func.func @use_dilated(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dilated(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

sparse_attn.pattern @segment {
  %p = sparse_attn.segment length(100) rate(4) shift
  sparse_attn.yield %p
}
func.func @use_segment(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@segment) : (!t, !t, !t) -> !t
  return %o : !t
}

sparse_attn.pattern @third {
  %past = sparse_attn.causal
  %stride = sparse_attn.stride step(3)
  %p = sparse_attn.intersect %past, %stride
  sparse_attn.yield %p
}
func.func @use_third(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@third) : (!t, !t, !t) -> !t
  return %o : !t
}

sparse_attn.pattern @strides(%n: index) {
  %near = sparse_attn.window left(%n) right(0)
  %fine = sparse_attn.stride step(4)
  %some = sparse_attn.intersect %near, %fine
  %far = sparse_attn.stride step(4096)
  %p = sparse_attn.union %some, %far
  sparse_attn.yield %p
}
func.func @use_strides(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@strides(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

sparse_attn.pattern @heads {
  %local = sparse_attn.segment length(256) rate(2)
  %wide = sparse_attn.segment length(1024) rate(8) shift
  %p = sparse_attn.per_head [%local, %wide]
  sparse_attn.yield %p
}
func.func @use_heads(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@heads) : (!t, !t, !t) -> !t
  return %o : !t
}

sparse_attn.pattern @beside(%n: index) {
  %past = sparse_attn.causal
  %near = sparse_attn.window left(%n) right(0)
  %eight = sparse_attn.stride step(8)
  %twelve = sparse_attn.stride step(12)
  %any = sparse_attn.union %eight, %near, %twelve
  %p = sparse_attn.intersect %past, %any
  sparse_attn.yield %p
}
func.func @use_beside(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@beside(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

sparse_attn.pattern @branches {
  %local = sparse_attn.segment length(256) rate(1)
  %wide = sparse_attn.segment length(1024) rate(4) shift
  %p = sparse_attn.union %local, %wide
  sparse_attn.yield %p
}
func.func @use_branches(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@branches) : (!t, !t, !t) -> !t
  return %o : !t
}
