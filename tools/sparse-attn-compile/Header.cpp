//===- Header.cpp - The C header of an artifact ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mlir::sparse_attn::compile {

static std::string describeShape(const json::Object &array) {
  std::string text = array.getString("dtype")->str() + " [";
  ListSeparator comma;
  for (const json::Value &size : *array.getArray("shape")) {
    text += StringRef(comma);
    text += *size.getAsInteger() < 0 ? "any" : std::to_string(*size.getAsInteger());
  }
  return text + "]";
}

static void writeArguments(raw_ostream &stream, const json::Array &arguments) {
  for (const json::Value &value : arguments) {
    const json::Object &argument = *value.getAsObject();
    bool scalar = *argument.getString("kind") == "scalar";
    stream << " *   " << *argument.getString("name") << ": "
           << (scalar ? std::string("a number") : describeShape(argument)) << "\n";
  }
}

static void writeFunction(raw_ostream &stream, StringRef module, const json::Object &function) {
  StringRef name = *function.getString("name");
  const json::Array &arguments = *function.getArray("arguments"), &results = *function.getArray("results");
  std::string parameters;
  for (const json::Value &argument : arguments)
    parameters += ", const sparse_attn_value *" + argument.getAsObject()->getString("name")->str();
  auto list = [&](const json::Array &values, StringRef prefix) {
    std::string text;
    ListSeparator comma;
    for (size_t i = 0; i < values.size(); ++i)
      text += std::string(StringRef(comma)) + "*" +
              (prefix.empty() ? values[i].getAsObject()->getString("name")->str() : prefix.str() + std::to_string(i));
    return text;
  };
  stream << "\n/**\n * Plans `" << name << "` for the shapes of its arguments:\n";
  writeArguments(stream, arguments);
  stream << " * Only captured arrays and numbers are read. Release the plan with sparse_attn_plan_destroy.\n */\n"
         << "static inline sparse_attn_status " << module << "_" << name
         << "_prepare(const sparse_attn_artifact *artifact" << parameters << ", sparse_attn_plan **plan) {\n"
         << "  const sparse_attn_value arguments[] = {" << list(arguments, "") << "};\n"
         << "  return sparse_attn_prepare(artifact, \"" << name << "\", arguments, " << arguments.size()
         << ", plan);\n}\n";
  stream << "\n/** Runs a plan of `" << name << "`. Results:\n";
  for (auto [i, result] : enumerate(results))
    stream << " *   result" << i << ": " << describeShape(*result.getAsObject()) << "\n";
  stream << " */\nstatic inline sparse_attn_status " << module << "_" << name
         << "_launch(const sparse_attn_plan *plan" << parameters;
  for (size_t i = 0; i < results.size(); ++i)
    stream << ", const sparse_attn_value *result" << i;
  stream << ", void *workspace, size_t workspace_bytes, void *stream) {\n"
         << "  const sparse_attn_value arguments[] = {" << list(arguments, "") << "};\n"
         << "  const sparse_attn_value results[] = {" << list(results, "result") << "};\n"
         << "  return sparse_attn_launch(plan, arguments, " << arguments.size() << ", results, " << results.size()
         << ", workspace, workspace_bytes, stream);\n}\n";
}

std::string buildHeader(const Request &request, const json::Object &manifest) {
  std::string text;
  raw_string_ostream stream(text);
  std::string guard = StringRef(request.moduleName).upper() + "_SPARSE_ATTN_H";
  stream << "/* Made by sparse-attn-compile " << SPARSE_ATTN_VERSION << " from module " << request.moduleName
         << ". */\n#ifndef " << guard << "\n#define " << guard << "\n\n#include <sparse_attn/sparse_attn.h>\n\n"
         << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
         << "/** The artifact, where it is linked into the program. */\nextern const sparse_attn_image "
         << request.moduleName << "_sparse_attn_image;\n";
  for (const json::Value &function : *manifest.getArray("functions"))
    writeFunction(stream, request.moduleName, *function.getAsObject());
  stream << "\n#ifdef __cplusplus\n}\n#endif\n#endif /* " << guard << " */\n";
  return text;
}

} // namespace mlir::sparse_attn::compile
