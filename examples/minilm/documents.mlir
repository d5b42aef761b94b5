// Packed documents: a token attends to the tokens of its own document. Heads and head size of all-MiniLM-L6-v2.
sparse_attn.pattern @documents(%document: memref<?xi32>) {
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %document[%q] : memref<?xi32>
    %dk = sparse_attn.read %document[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  sparse_attn.yield %same
}

sparse_attn.pattern @dense {
  %all = sparse_attn.dense
  sparse_attn.yield %all
}

func.func @attention(%q: tensor<?x12x?x32xf32>, %k: tensor<?x12x?x32xf32>, %v: tensor<?x12x?x32xf32>, %document: memref<?xi32>) -> tensor<?x12x?x32xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@documents(%document) : (memref<?xi32>)) : (tensor<?x12x?x32xf32>, tensor<?x12x?x32xf32>, tensor<?x12x?x32xf32>) -> tensor<?x12x?x32xf32>
  return %o : tensor<?x12x?x32xf32>
}

// What the documents are compared with: the same sequence, every token attending to every token.
func.func @attention_dense(%q: tensor<?x12x?x32xf32>, %k: tensor<?x12x?x32xf32>, %v: tensor<?x12x?x32xf32>) -> tensor<?x12x?x32xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@dense) : (tensor<?x12x?x32xf32>, tensor<?x12x?x32xf32>, tensor<?x12x?x32xf32>) -> tensor<?x12x?x32xf32>
  return %o : tensor<?x12x?x32xf32>
}
