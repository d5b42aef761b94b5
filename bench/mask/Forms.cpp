//===- Forms.cpp - BlockMask against other ways to keep a mask ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "MaskBench.h"
#include "MaskForm.h"

#include <algorithm>
#include <unistd.h>

namespace sparse_attn::bench {

namespace {

/// What was found out about one form.
struct FormFigures {
  std::string name;
  std::string failure;
  double bytes = 0, build = 0, row = 0, both = 0, lists = 0;
};

/// One operation: how a figure is shown.
struct Column {
  const char *title;
  double FormFigures::*figure;
  double scale;
  const char *unit;
};

constexpr Column columns[] = {{"memory", &FormFigures::bytes, 1.0 / (1 << 20), " MiB"},
                              {"building", &FormFigures::build, 1e3, " ms"},
                              {"a row to a list", &FormFigures::row, 1e6, " us"},
                              {"what two rows share", &FormFigures::both, 1e6, " us"},
                              {"all rows to lists of 16 bits", &FormFigures::lists, 1e3, " ms"}};

uint64_t freeMemory() {
  return static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Both forms must answer alike, or their times mean nothing.
void compareRows(const MaskForm &form, const MaskSample &sample) {
  std::vector<uint32_t> expected, found(sample.shape().blocks);
  for (size_t i = 0; i < 100; ++i) {
    uint32_t q = sample.questions()[i];
    sample.row(q, expected);
    found.resize(sample.shape().blocks);
    found.resize(form.row(q, found.data()));
    if (found != expected)
      fail("expects row ", q, " to have ", expected.size(), " blocks, but got others");
  }
}

FormFigures measureForm(const MaskFormKind &kind, const MaskSample &sample, const Effort &effort) {
  FormFigures figures;
  figures.name = kind.name;
  if (kind.bytes(sample.shape()) * 3 / 2 > freeMemory()) {
    figures.failure = "not enough memory";
    return figures;
  }
  double start = threadSeconds();
  std::unique_ptr<MaskForm> form = kind.make(sample);
  figures.build = threadSeconds() - start;
  compareRows(*form, sample);
  figures.bytes = static_cast<double>(form->bytes());
  std::vector<uint32_t> out(sample.shape().blocks);
  const std::vector<uint32_t> &questions = sample.questions();
  double count = static_cast<double>(questions.size());
  figures.row = medianSeconds(effort,
                              [&] {
                                for (uint32_t q : questions)
                                  form->row(q, out.data());
                              }) /
                count;
  figures.both = medianSeconds(effort,
                               [&] {
                                 for (size_t i = 0; i < questions.size(); ++i)
                                   form->intersection(questions[i], questions[questions.size() - 1 - i], out.data());
                               }) /
                 count;
  std::vector<uint32_t> offsets(sample.shape().blocks + size_t(1));
  std::vector<uint16_t> blocks(size_t(sample.shape().blocks) *
                               (sample.shape().window + sample.shape().global + sample.shape().randomKeys));
  figures.lists = medianSeconds(effort, [&] { form->exportAll(offsets.data(), blocks.data()); });
  return figures;
}

void addColumn(Table &table, const std::string &title, const Column &column, const std::vector<FormFigures> &forms) {
  table.beginSection(title + ": " + column.title);
  double ours = forms.front().*column.figure;
  for (const FormFigures &form : forms) {
    Row row;
    row.name = form.name;
    row.failure = form.failure;
    row.measured = format(column.scale * form.*column.figure, 3, column.unit);
    row.reference = "BlockMask " + format(column.scale * ours, 3, column.unit);
    row.figure = form.*column.figure / ours;
    row.unit = "x";
    table.add(row);
  }
}

} // namespace

void benchForms(Table &table, const MaskSample &sample, const Effort &effort) {
  std::vector<FormFigures> found;
  for (const std::vector<MaskFormKind> &kinds : {blockMaskForms(), plainForms(), roaringForms()})
    for (const MaskFormKind &kind : kinds)
      found.push_back(measureForm(kind, sample, effort));
  for (const Column &column : columns)
    addColumn(table, "Masks, " + sample.shape().name, column, found);
}

} // namespace sparse_attn::bench
