sparse_attn.pattern @near {
  %p = sparse_attn.window left(20) right(0)
  sparse_attn.yield %p
}

!t = tensor<?x2x?x16xf32>
!lse = tensor<?x2x?xf32>
!offsets = tensor<?xi64>
!indices = tensor<?x2xi32>
!values = tensor<?x32x32xf32>

func.func @attention(%q: !t, %k: !t, %v: !t) -> (!t, !lse) {
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@near) : (!t, !t, !t) -> (!t, !lse)
  return %o, %lse : !t, !lse
}

func.func @all(%q: !t, %k: !t, %v: !t) -> (!t, !offsets, !indices, !values, !lse) {
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@near) : (!t, !t, !t) -> (!t, !lse)
  %offsets, %indices, %values = sparse_attn.weights %q, %k, %lse pattern(@near)
      : (!t, !t, !lse) -> (!offsets, !indices, !values)
  %sums = sparse_attn.column_sums %q, %k, %lse pattern(@near) : (!t, !t, !lse) -> !lse
  return %o, %offsets, %indices, %values, %sums : !t, !offsets, !indices, !values, !lse
}

// Of a log-sum-exp that is given.
func.func @sums(%q: !t, %k: !t, %lse: !lse) -> !lse {
  %sums = sparse_attn.column_sums %q, %k, %lse pattern(@near) : (!t, !t, !lse) -> !lse
  return %sums : !lse
}

// Two of the parts of the first weights, and all of the second.
func.func @parts(%q: !t, %k: !t, %lse: !lse) -> (!values, !indices, !offsets, !indices, tensor<?x16x16xf32>) {
  %offsets, %indices, %values = sparse_attn.weights %q, %k, %lse pattern(@near)
      : (!t, !t, !lse) -> (!offsets, !indices, !values)
  %offsets2, %indices2, %values2 = sparse_attn.weights %q, %k, %lse pattern(@near)
      : (!t, !t, !lse) -> (!offsets, !indices, tensor<?x16x16xf32>)
  return %values, %indices, %offsets2, %indices2, %values2
      : !values, !indices, !offsets, !indices, tensor<?x16x16xf32>
}
