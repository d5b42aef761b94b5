# Patterns as trees: the text of each op beside the formula of the oracle.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from oracle import formulas

INDEX, PER_POSITION, PER_BATCH, PER_HEAD = "index", "memref<?xi32>", "memref<?x?xi32>", "memref<?x?x?xi32>"


class Expression:
    """A pattern op and its operands. `structured` ops have bands, and so tight schedules."""

    def __init__(self, text, formula, operands=(), captures=None, structured=True):
        self.text = text
        self.formula = formula
        self.operands = operands
        self.own_captures = captures or {}
        self.structured = structured and all(operand.structured for operand in operands)

    @property
    def captures(self):
        """Captured names and their types, in the order of first use."""
        names = {}
        for operand in self.operands:
            names.update(operand.captures)
        return {**names, **self.own_captures}

    def holds(self, frame):
        return self.formula(frame, *(operand.holds(frame) for operand in self.operands))

    def line(self, operands):
        """The op, of operands with these names."""
        return f"{self.text} {', '.join(operands)}".strip()

    def lines(self):
        """The body of a pattern, one op a line, without the yield; and the name of the result."""
        body = []

        def emit(expression):
            operands = [emit(operand) for operand in expression.operands]
            name = f"%p{len(body)}"
            body.append(f"  {name} = sparse_attn.{expression.line(operands)}")
            return name

        name = emit(self)
        return body, name

    def pattern(self, name):
        """The whole pattern op."""
        body, result = self.lines()
        arguments = ", ".join(f"%{capture}: {kind}" for capture, kind in self.captures.items())
        arguments = f"({arguments})" if arguments else ""
        return "\n".join([f"sparse_attn.pattern @{name}{arguments} {{", *body, f"  sparse_attn.yield {result}", "}"])

    def __str__(self):
        body, _ = self.lines()
        return "; ".join(line.strip().replace("sparse_attn.", "").replace("\n", " ") for line in body)


def parameter(value):
    """A number, or a captured one by its name."""
    return f"%{value}" if isinstance(value, str) else str(value)


def leaf(text, formula, *parameters):
    captures = {p: INDEX for p in parameters if isinstance(p, str)}
    return Expression(text, formula, captures=captures)


def dense():
    return leaf("dense", formulas.dense)


def causal():
    return leaf("causal", formulas.causal)


def window(left=None, right=None):
    sides = [f"{name}({parameter(value)})" for name, value in (("left", left), ("right", right)) if value is not None]
    return leaf(" ".join(["window", *sides]), lambda f: formulas.window(f, left, right), left, right)


def keys(first):
    return leaf(f"keys first({parameter(first)})", lambda f: formulas.keys(f, first), first)


def queries(first):
    return leaf(f"queries first({parameter(first)})", lambda f: formulas.queries(f, first), first)


def global_tokens(first):
    return leaf(f"global first({parameter(first)})", lambda f: formulas.global_tokens(f, first), first)


def chunk(size):
    return leaf(f"chunk size({parameter(size)})", lambda f: formulas.chunk(f, size), size)


def stride(step):
    return leaf(f"stride step({parameter(step)})", lambda f: formulas.stride(f, step), step)


def exponential(base):
    return leaf(f"exponential base({base})", lambda f: formulas.exponential(f, base))


def columns(every, last):
    return leaf(f"columns every({every}) last({last})", lambda f: formulas.columns(f, every, last))


def segment(length, rate, shift=False):
    expression = leaf(
        f"segment length({length}) rate({rate})" + " shift" * shift,
        lambda f: formulas.segment(f, length, rate, shift),
    )
    # Bands do not say which queries have no key.
    expression.structured = rate == 1
    return expression


def neighborhood(shape, window, step=None, stride=None, tile=None, causal=None):
    """Each a tuple of a number an axis; `causal` of a Boolean."""
    lists = {"shape": shape, "window": window, "step": step, "stride": stride, "tile": tile, "causal": causal}
    words = [f"{name}({', '.join(map(str, numbers)).lower()})" for name, numbers in lists.items() if numbers]
    expression = leaf(" ".join(["neighborhood", *words]), lambda f: formulas.neighborhood(f, **lists))
    # Runs of positions have boxes as hulls, which may hold others.
    expression.structured = len(shape) == 1 and step in (None, (1,))
    return expression


def prefix_lm(lengths):
    """`lengths` names a captured array of one number a batch."""
    return Expression(
        f"prefix_lm %{lengths}", lambda f: formulas.prefix_lm(f, lengths), captures={lengths: PER_POSITION}
    )


def table_type(per_batch):
    return f" : {PER_BATCH}" if per_batch else ""


def documents(offsets, per_batch=False):
    """`offsets` names a captured array of where documents begin, and the last ends."""
    kind = PER_BATCH if per_batch else PER_POSITION
    text = f"documents offsets(%{offsets}){table_type(per_batch)}"
    return Expression(text, lambda f: formulas.documents(f, offsets), captures={offsets: kind})


def document_ids(ids, per_batch=False):
    """`ids` names a captured array of a number for each position."""
    kind = PER_BATCH if per_batch else PER_POSITION
    text = f"documents ids(%{ids}){table_type(per_batch)}"
    return Expression(text, lambda f: formulas.same_document(f, ids), captures={ids: kind}, structured=False)


def tree(parents, per_batch=False):
    """`parents` names a captured array of the parents of nodes."""
    text = f"tree parents(%{parents}){table_type(per_batch)}"
    kind = PER_BATCH if per_batch else PER_POSITION
    # Bands do not say which nodes are ancestors.
    return Expression(text, lambda f: formulas.tree(f, parents), captures={parents: kind}, structured=False)


def vertical_slash(columns, diagonals, per_head=False):
    """Both name captured arrays of ascending numbers."""
    kind = PER_HEAD if per_head else PER_POSITION
    text = f"vertical_slash columns(%{columns}) diagonals(%{diagonals})" + f" : {PER_HEAD}" * per_head
    formula = lambda f: formulas.vertical_slash(f, columns, diagonals)
    return Expression(text, formula, captures={columns: kind, diagonals: kind}, structured=False)


def random(blocks, size, seed):
    expression = leaf(
        f"random blocks({parameter(blocks)}) size({size}) seed({seed})",
        lambda f: formulas.random(f, blocks, size, seed),
        blocks,
    )
    expression.structured = False
    return expression


def predicate(body, formula, captures=None):
    """`body` computes %attends from %b, %h, %q, %k."""
    lines = "\n".join("    " + line.strip() for line in body.strip().splitlines())
    text = f"predicate (%b, %h, %q, %k) {{\n{lines}\n    sparse_attn.yield %attends : i1\n  }}"
    return Expression(text, formula, captures=captures, structured=False)


def blocks(mask, query_block, key_block):
    """The captured mask's blocks of so many queries and keys."""
    kind = f"!sparse_attn.block_mask<{query_block}x{key_block}>"
    return Expression(f"blocks %{mask} : {kind}", lambda f: formulas.blocks(f, mask), captures={mask: kind}, structured=False)


def same_document(ids, per_batch=False):
    kind = PER_BATCH if per_batch else PER_POSITION
    row = "%b, " if per_batch else ""
    return predicate(
        f"""%dq = sparse_attn.read %{ids}[{row}%q] : {kind}
            %dk = sparse_attn.read %{ids}[{row}%k] : {kind}
            %attends = arith.cmpi eq, %dq, %dk : i32""",
        lambda f: formulas.same_document(f, ids),
        {ids: kind},
    )


def union(*operands):
    return Expression("union", formulas.union, operands)


def intersect(*operands):
    return Expression("intersect", formulas.intersect, operands)


def complement(operand):
    return Expression("complement", formulas.complement, (operand,))


class PerHead(Expression):
    """Operands stand in brackets."""

    def __init__(self, operands):
        super().__init__("per_head", formulas.per_head, operands)

    def line(self, operands):
        return f"per_head [{', '.join(operands)}]"


def per_head(*operands):
    return PerHead(operands)
