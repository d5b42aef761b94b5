//===- Header.cpp - The C header of an artifact ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
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

/// The content of a C string literal.
static std::string escapeString(StringRef text) {
  std::string result;
  raw_string_ostream(result).write_escaped(text, /*UseHexEscapes=*/false);
  return result;
}

static std::string describeArgument(const json::Object &argument) {
  StringRef kind = *argument.getString("kind");
  if (kind == "scalar")
    return "a number";
  if (kind == "array")
    return describeShape(argument);
  return "masks with blocks of " + std::to_string(*argument.getInteger("query_block")) + " queries and " +
         std::to_string(*argument.getInteger("key_block")) + " keys, for all or one [batch, heads]";
}

static void writeArguments(raw_ostream &stream, const json::Array &arguments) {
  for (const json::Value &value : arguments) {
    const json::Object &argument = *value.getAsObject();
    stream << " *   " << *argument.getString("name") << ": " << describeArgument(argument) << "\n";
  }
}

/// The parameter for an argument: its name, unless that means something else in C or in the function.
static std::string getParameterName(const json::Value &argument) {
  static const StringSet<> taken{"alignas", "alignof", "and", "asm", "auto", "bool", "break", "case", "catch", "char",
                                 "class", "const", "continue", "default", "delete", "do", "double", "else", "enum",
                                 "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
                                 "inline", "int", "long", "mutable", "namespace", "new", "not", "nullptr", "operator",
                                 "or", "private", "protected", "public", "register", "restrict", "return", "short",
                                 "signed", "sizeof", "static", "struct", "switch", "template", "this", "throw", "true",
                                 "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual",
                                 "void", "volatile", "while", "xor", "int32_t", "int64_t", "size_t", "uint64_t",
                                 // Parameters and variables of the functions themselves.
                                 "artifact", "arguments", "plan", "results", "stream", "workspace", "workspace_bytes"};
  std::string name = argument.getAsObject()->getString("name")->str();
  bool reserved = taken.contains(name) || StringRef(name).starts_with("result") ||
                  StringRef(name).starts_with("sparse_attn") || StringRef(name).starts_with("_") ||
                  StringRef(name).starts_with("arg_");
  return reserved ? "arg_" + name : name;
}

static void writeFunction(raw_ostream &stream, StringRef identifier, const json::Object &function, StringRef module) {
  StringRef name = *function.getString("name");
  std::string symbol = (module + "_" + identifier).str();
  const json::Array &arguments = *function.getArray("arguments"), &results = *function.getArray("results");
  std::string parameters;
  for (const json::Value &argument : arguments)
    parameters += ", const sparse_attn_value *" + getParameterName(argument);
  auto list = [&](const json::Array &values, StringRef prefix) {
    std::string text;
    ListSeparator comma;
    for (size_t i = 0; i < values.size(); ++i)
      text += std::string(StringRef(comma)) + "*" +
              (prefix.empty() ? getParameterName(values[i]) : prefix.str() + std::to_string(i));
    return text;
  };
  stream << "\n/**\n * Plans `" << identifier << "` for the shapes of its arguments:\n";
  writeArguments(stream, arguments);
  stream
      << " * Only captured arrays, numbers and masks are read. Release the plan with sparse_attn_plan_destroy.\n */\n"
      << "static inline sparse_attn_status " << symbol << "_prepare(const sparse_attn_artifact *artifact" << parameters
      << ", sparse_attn_plan **plan) {\n"
      << "  const sparse_attn_value arguments[] = {" << list(arguments, "") << "};\n"
      << "  return sparse_attn_prepare(artifact, \"" << escapeString(name) << "\", arguments, " << arguments.size()
      << ", plan);\n}\n";
  stream << "\n/** Runs a plan of `" << identifier << "`. Results:\n";
  for (auto [i, result] : enumerate(results))
    stream << " *   result" << i << ": " << describeShape(*result.getAsObject()) << "\n";
  stream << " */\nstatic inline sparse_attn_status " << symbol << "_launch(const sparse_attn_plan *plan" << parameters;
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
  StringSet<> taken;
  for (auto [index, function] : enumerate(*manifest.getArray("functions"))) {
    // Two names of the source may become one identifier.
    std::string identifier = makeIdentifier(*function.getAsObject()->getString("name"));
    while (!taken.insert(identifier).second)
      identifier += "_" + std::to_string(index);
    writeFunction(stream, identifier, *function.getAsObject(), request.moduleName);
  }
  stream << "\n#ifdef __cplusplus\n}\n#endif\n#endif /* " << guard << " */\n";
  return text;
}

} // namespace mlir::sparse_attn::compile
