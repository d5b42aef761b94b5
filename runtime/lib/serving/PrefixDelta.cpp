//===- PrefixDelta.cpp - Words of nodes as bytes --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "serving/PrefixDelta.h"

#include "serving/Bytes.h"

namespace sparse_attn::serving {

namespace {

constexpr uint32_t magic = 0x44504153; // "SAPD"
constexpr uint32_t formatVersion = 1;
constexpr size_t headerBytes = 32;
constexpr size_t sectionBytes = 40;
constexpr size_t wordBytes = 32;
constexpr size_t tagBytes = 16;

template <typename... Parts> Status invalid(const Parts &...parts) {
  return makeError(StatusCode::InvalidArgument, "delta: ", parts...);
}

/// Reads sections from bytes whose tag is right.
class Reader {
public:
  Reader(const DeltaFormat &format, const uint8_t *bytes, size_t size) : format(format), bytes(bytes), size(size) {}

  Result<std::vector<DeltaSection>> read() {
    uint32_t count = readWord32(bytes + 28);
    position = headerBytes;
    if (count > (size - position) / sectionBytes)
      return invalid("expects at most ", (size - position) / sectionBytes, " sections, but got ", count);
    sections.reserve(count);
    for (uint32_t i = 0; i < count; ++i)
      if (Status status = readSection(); !status.isOk())
        return status;
    if (position != size)
      return invalid("expects no bytes after the last section, but got ", size - position);
    return std::move(sections);
  }

private:
  Status readSection() {
    if (size - position < sectionBytes)
      return invalid("expects a section of ", sectionBytes, " bytes, but got ", size - position);
    const uint8_t *head = bytes + position;
    position += sectionBytes;
    DeltaSection section;
    section.node = readWord32(head);
    section.epoch = readWord64(head + 8);
    section.since = readWord64(head + 16);
    section.version = readWord64(head + 24);
    uint64_t count = readWord64(head + 32);
    if (!sections.empty() && section.node <= sections.back().node)
      return invalid("expects nodes to ascend, but got ", section.node, " after ", sections.back().node);
    if (readWord32(head + 4) != 0)
      return invalid("node ", section.node, ": expects a reserved word of 0, but got ", readWord32(head + 4));
    if (section.version < section.since)
      return invalid("node ", section.node, ": expects a version of at least ", section.since, ", but got ",
                     section.version);
    if (count > (size - position) / wordBytes)
      return invalid("node ", section.node, ": expects at most ", (size - position) / wordBytes, " words, but got ",
                     count);
    section.words.reserve(static_cast<size_t>(count));
    for (uint64_t i = 0; i < count; ++i)
      if (Status status = readWord(section); !status.isOk())
        return status;
    sections.push_back(std::move(section));
    return {};
  }

  Status readWord(DeltaSection &section) {
    const uint8_t *from = bytes + position;
    position += wordBytes;
    Word word;
    word.sequence = readWord64(from);
    word.block = readWord32(from + 8);
    word.hash = {readWord64(from + 16), readWord64(from + 24)};
    uint32_t kind = readWord32(from + 12);
    uint64_t last = section.words.empty() ? section.since : section.words.back().sequence;
    if (word.sequence <= last)
      return invalid("node ", section.node, ": expects a sequence above ", last, ", but got ", word.sequence);
    if (word.block >= format.maxBlocks)
      return invalid("node ", section.node, ": expects a block below ", format.maxBlocks, ", but got ", word.block);
    if (kind > 1)
      return invalid("node ", section.node, ": expects a word of kind 0 or 1, but got ", kind);
    word.isHeld = kind == 1;
    if (!word.isHeld && word.hash != PrefixHash())
      return invalid("node ", section.node, ": expects no hash for block ", word.block, ", which is evicted");
    section.words.push_back(word);
    return {};
  }

  const DeltaFormat &format;
  const uint8_t *bytes;
  const size_t size; ///< Without the tag.
  size_t position = 0;
  std::vector<DeltaSection> sections;
};

} // namespace

std::vector<uint8_t> writeDelta(const DeltaFormat &format, const std::vector<DeltaSection> &sections) {
  size_t size = headerBytes + tagBytes;
  for (const DeltaSection &section : sections)
    size += sectionBytes + section.words.size() * wordBytes;
  std::vector<uint8_t> bytes;
  bytes.reserve(size);
  appendWord32(bytes, magic);
  appendWord32(bytes, formatVersion);
  appendWord64(bytes, size);
  appendWord64(bytes, format.keyCheck);
  appendWord32(bytes, format.blockTokens);
  appendWord32(bytes, static_cast<uint32_t>(sections.size()));
  for (const DeltaSection &section : sections) {
    appendWord32(bytes, section.node);
    appendWord32(bytes, 0);
    for (uint64_t number : {section.epoch, section.since, section.version, uint64_t(section.words.size())})
      appendWord64(bytes, number);
    for (const Word &word : section.words) {
      appendWord64(bytes, word.sequence);
      appendWord32(bytes, word.block);
      appendWord32(bytes, word.isHeld ? 1 : 0);
      appendWord64(bytes, word.hash.low);
      appendWord64(bytes, word.hash.high);
    }
  }
  SipValue tag = sipHash(format.key, bytes.data(), bytes.size());
  appendWord64(bytes, tag.low);
  appendWord64(bytes, tag.high);
  return bytes;
}

Result<std::vector<DeltaSection>> readDelta(const DeltaFormat &format, const uint8_t *bytes, size_t size) {
  if (!bytes || size < headerBytes + tagBytes)
    return invalid("expects at least ", headerBytes + tagBytes, " bytes, but got ", bytes ? size : 0);
  if (readWord32(bytes) != magic)
    return invalid("expects the magic number ", magic, ", but got ", readWord32(bytes));
  if (readWord32(bytes + 4) != formatVersion)
    return makeError(StatusCode::VersionMismatch, "delta: expects format version ", formatVersion, ", but got ",
                     readWord32(bytes + 4));
  if (readWord64(bytes + 8) != size)
    return invalid("expects ", readWord64(bytes + 8), " bytes, but got ", size);
  if (readWord64(bytes + 16) != format.keyCheck)
    return invalid("expects one made with the key of this index, but got one made with another");
  if (readWord32(bytes + 24) != format.blockTokens)
    return invalid("expects blocks of ", format.blockTokens, " tokens, but got ", readWord32(bytes + 24));
  size_t content = size - tagBytes;
  SipValue tag = {readWord64(bytes + content), readWord64(bytes + content + 8)};
  if (!(sipHash(format.key, bytes, content) == tag))
    return invalid("expects the hash of its bytes at its end, but got another: it was damaged");
  return Reader(format, bytes, content).read();
}

} // namespace sparse_attn::serving
