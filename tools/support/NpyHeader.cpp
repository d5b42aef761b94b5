//===- NpyHeader.cpp - Headers of NumPy's .npy files -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/NpyHeader.h"

#include "support/InputError.h"

#include <cstring>
#include <utility>

namespace sparse_attn::tools {

namespace {

constexpr char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};
/// More than any header of an array of rank 4 needs.
constexpr int64_t maxHeaderBytes = 1 << 16;

/// Parses the Python dictionary of a .npy header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class HeaderParser {
public:
  HeaderParser(const std::string &path, const std::string &text) : path(path), text(text) {}

  NpyHeader parse() {
    expect('{');
    bool seen[3] = {};
    while (!accept('}')) {
      std::string key = parseString();
      expect(':');
      parseEntry(key, seen);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skipSpace();
    if (position != text.size() || !seen[0] || !seen[1] || !seen[2])
      malformed("expects the keys 'descr', 'fortran_order' and 'shape' once each");
    return std::move(header);
  }

private:
  void parseEntry(const std::string &key, bool *seen) {
    int index = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
    if (index < 0 || std::exchange(seen[index], true))
      malformed("expects the keys 'descr', 'fortran_order' and 'shape' once each");
    if (index == 0)
      header.descriptor = parseDescriptor();
    else if (index == 1)
      header.fortranOrder = parseBoolean();
    else
      header.sizes = parseSizes();
  }

  std::string parseDescriptor() {
    skipSpace();
    if (position < text.size() && text[position] == '[')
      fail(path, ": expects a plain dtype, but got a structured one");
    return parseString();
  }

  std::string parseString() {
    skipSpace();
    char quote = position < text.size() ? text[position] : '\0';
    if (quote != '\'' && quote != '"')
      malformed("expects a string");
    size_t end = text.find(quote, position + 1);
    if (end == std::string::npos)
      malformed("expects a closing quote");
    std::string value = text.substr(position + 1, end - position - 1);
    position = end + 1;
    return value;
  }

  bool parseBoolean() {
    skipSpace();
    for (bool value : {false, true}) {
      const std::string word = value ? "True" : "False";
      if (text.compare(position, word.size(), word) == 0) {
        position += word.size();
        return value;
      }
    }
    malformed("expects True or False");
  }

  std::vector<int64_t> parseSizes() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      sizes.push_back(parseSize());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  int64_t parseSize() {
    skipSpace();
    int64_t value = 0;
    size_t start = position;
    for (; position < text.size() && text[position] >= '0' && text[position] <= '9'; ++position)
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text[position] - '0', &value))
        malformed("expects sizes below 2^63");
    if (position == start)
      malformed("expects a size");
    return value;
  }

  void skipSpace() {
    while (position < text.size() && (text[position] == ' ' || text[position] == '\n'))
      ++position;
  }

  bool accept(char character) {
    skipSpace();
    if (position == text.size() || text[position] != character)
      return false;
    ++position;
    return true;
  }

  void expect(char character) {
    if (!accept(character))
      malformed(std::string("expects '") + character + "'");
  }

  [[noreturn]] void malformed(const std::string &message) const {
    fail(path, ": malformed .npy header: ", message, " at byte ", position);
  }

  const std::string &path, &text;
  size_t position = 0;
  NpyHeader header;
};

} // namespace

NpyHeader readNpyHeader(InputFile &file) {
  unsigned char prefix[8];
  file.read(prefix, sizeof prefix, "header");
  if (std::memcmp(prefix, magic, sizeof magic) != 0)
    fail(file.path, ": expects a .npy file, but its first bytes are not those of one");
  int major = prefix[6];
  if (major < 1 || major > 3)
    fail(file.path, ": expects .npy format version 1, 2 or 3, but got ", major);
  unsigned char lengthBytes[4] = {};
  file.read(lengthBytes, major == 1 ? 2 : 4, "header");
  int64_t length = 0;
  for (int i = 4; i-- > 0;)
    length = length << 8 | lengthBytes[i];
  if (length > maxHeaderBytes)
    fail(file.path, ": expects a header of at most ", maxHeaderBytes, " bytes, but got ", length);
  std::string text(static_cast<size_t>(length), '\0');
  file.read(text.data(), length, "header");
  return HeaderParser(file.path, text).parse();
}

std::string makeNpyHeader(const NpyHeader &header) {
  std::string sizes;
  for (int64_t size : header.sizes)
    sizes += std::to_string(size) + ",";
  std::string text = "{'descr': '" + header.descriptor + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  // Data begins at a multiple of 64 bytes; the header ends with a line feed.
  constexpr size_t prefixBytes = sizeof magic + 4, alignment = 64;
  size_t total = (prefixBytes + text.size() + 1 + alignment - 1) / alignment * alignment;
  text.resize(total - prefixBytes - 1, ' ');
  text += '\n';
  std::string prefix(magic, sizeof magic);
  prefix += {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return prefix + text;
}

} // namespace sparse_attn::tools
