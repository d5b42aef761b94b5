//===- XmlText.cpp - Any text within an XML document ----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "XmlText.h"

#include <cstdint>

namespace sparse_attn::tools::mask {

namespace {

/// Whether XML 1.0 allows a character.
bool isXml(uint32_t code) {
  return code == '\t' || code == '\n' || (code >= 0x20 && code < 0xd800) || (code >= 0xe000 && code < 0xfffe) ||
         (code >= 0x10000 && code < 0x110000);
}

/// Bytes of the UTF-8 character at `position`; 0 where there is none that XML allows.
size_t characterBytes(const std::string &text, size_t position) {
  auto byteAt = [&](size_t i) -> uint32_t { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  uint32_t lead = byteAt(position);
  size_t bytes = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
  static constexpr uint32_t leadBits[] = {0, 0x7f, 0x1f, 0x0f, 0x07}, least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t code = lead & leadBits[bytes];
  for (size_t i = 1; i < bytes; ++i) {
    if ((byteAt(position + i) & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (byteAt(position + i) & 0x3f);
  }
  return bytes > 0 && code >= least[bytes] && isXml(code) ? bytes : 0;
}

} // namespace

std::string xmlText(const std::string &text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    size_t bytes = characterBytes(text, i);
    if (bytes == 0)
      result += '?';
    else if (text[i] == '&')
      result += "&amp;";
    else if (text[i] == '<')
      result += "&lt;";
    else if (text[i] == '>')
      result += "&gt;";
    else if (text[i] == '"')
      result += "&quot;";
    else
      result.append(text, i, bytes);
    i += bytes == 0 ? 1 : bytes;
  }
  return result;
}

} // namespace sparse_attn::tools::mask
