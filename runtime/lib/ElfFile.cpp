//===- ElfFile.cpp - What an ELF file holds -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElfFile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sparse_attn {

namespace {

/// Bytes of known size. All reads are bound-checked.
class Source {
public:
  explicit Source(const char *name) : name(name) {}
  Source(const Source &) = delete;
  Source &operator=(const Source &) = delete;
  virtual ~Source() = default;

  bool holds(uint64_t offset, uint64_t bytes) const { return offset <= size && bytes <= size - offset; }

  Status read(void *target, uint64_t offset, uint64_t bytes, const char *what) const {
    if (!holds(offset, bytes))
      return makeError(StatusCode::InvalidArgument, name, " is truncated: expects ", what, " of ", bytes,
                       " bytes at offset ", offset, ", but got a ", name, " of ", size, " bytes");
    return fetch(static_cast<char *>(target), offset, bytes);
  }

  const char *name; ///< In messages.
  uint64_t size = 0;

protected:
  /// Reads bytes that are there.
  virtual Status fetch(char *target, uint64_t offset, uint64_t bytes) const = 0;
};

class File final : public Source {
public:
  File() : Source("file") {}
  ~File() override {
    if (descriptor >= 0)
      close(descriptor);
  }

  Status open(const std::string &path) {
    // Opening a pipe must not wait for a writer.
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (descriptor < 0 || fstat(descriptor, &info) != 0)
      return makeError(StatusCode::InvalidArgument, "expects a file that can be read, but got: ", std::strerror(errno));
    if (!S_ISREG(info.st_mode))
      return makeError(StatusCode::InvalidArgument, "expects a regular file, but got ",
                       S_ISDIR(info.st_mode) ? "a directory" : "a special file");
    size = static_cast<uint64_t>(info.st_size);
    return {};
  }

private:
  Status fetch(char *target, uint64_t offset, uint64_t bytes) const override {
    while (bytes > 0) {
      ssize_t count = pread(descriptor, target, bytes, static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return makeError(StatusCode::InvalidArgument,
                         "expects a file that can be read, but got: ", count < 0 ? std::strerror(errno) : "its end");
      target += count;
      offset += static_cast<uint64_t>(count);
      bytes -= static_cast<uint64_t>(count);
    }
    return {};
  }

  int descriptor = -1;
};

/// Machine code in memory.
class Cubin final : public Source {
public:
  Cubin(const void *data, size_t bytes) : Source("cubin"), data(static_cast<const char *>(data)) { size = bytes; }

private:
  Status fetch(char *target, uint64_t offset, uint64_t bytes) const override {
    std::copy_n(data + offset, bytes, target);
    return {};
  }

  const char *data;
};

/// Reads the first bytes, as many as there are; returns whether they are those of an ELF file.
Status readIdent(const Source &source, unsigned char (&ident)[EI_NIDENT], bool &isElf) {
  uint64_t bytes = std::min<uint64_t>(source.size, sizeof(ident));
  if (Status status = source.read(ident, 0, bytes, "a header"); !status.isOk())
    return status;
  isElf = bytes >= SELFMAG && std::memcmp(ident, ELFMAG, SELFMAG) == 0;
  return {};
}

bool isFor(const Elf64_Ehdr &header, uint16_t machine) {
  return header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
         header.e_machine == machine;
}

Status readHeader(const File &file, Elf64_Ehdr &header) {
  unsigned char ident[EI_NIDENT] = {};
  bool isElf = false;
  if (Status status = readIdent(file, ident, isElf); !status.isOk())
    return status;
  if (!isElf)
    return makeError(StatusCode::InvalidArgument,
                     "expects a sparse-attn artifact, an ELF shared library, but got a file of another format");
  if (Status status = file.read(&header, 0, sizeof(header), "a header"); !status.isOk())
    return status;
  if (!isFor(header, EM_X86_64))
    return makeError(StatusCode::Unsupported, "expects an ELF file for x86-64 (machine ", EM_X86_64,
                     ", 64 bits, little endian), but got one for machine ", header.e_machine);
  if (header.e_type == ET_REL)
    return makeError(StatusCode::InvalidArgument, "expects a shared library (.so), but got an object file (.o); link "
                                                  "it into the program, or with 'cc -shared'");
  if (header.e_type != ET_DYN)
    return makeError(StatusCode::InvalidArgument, "expects a shared library (ELF type ", ET_DYN, "), but got ELF type ",
                     header.e_type);
  return {};
}

/// Checks that what the loader maps lies inside the file; touching a mapped page past its end kills the program.
Status checkSegments(const Source &source, const Elf64_Ehdr &header) {
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    return makeError(StatusCode::InvalidArgument, "expects program headers of ", sizeof(Elf64_Phdr), " bytes, but got ",
                     header.e_phentsize);
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (Status status =
          source.read(segments.data(), header.e_phoff, segments.size() * sizeof(Elf64_Phdr), "program headers");
      !status.isOk())
    return status;
  for (const Elf64_Phdr &segment : segments)
    if (segment.p_type != PT_NULL && !source.holds(segment.p_offset, segment.p_filesz))
      return makeError(StatusCode::InvalidArgument, source.name, " is truncated: expects a segment of ",
                       segment.p_filesz, " bytes at offset ", segment.p_offset, ", but got a ", source.name, " of ",
                       source.size, " bytes");
  return {};
}

/// Reads the section headers; `names` becomes the number of the section that holds their names.
Status readSectionHeaders(const Source &source, const Elf64_Ehdr &header, std::vector<Elf64_Shdr> &sections,
                          uint64_t &names) {
  if (header.e_shoff == 0)
    return {};
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    return makeError(StatusCode::InvalidArgument, "expects section headers of ", sizeof(Elf64_Shdr), " bytes, but got ",
                     header.e_shentsize);
  // Numbers that do not fit the header are in the first section header.
  Elf64_Shdr first;
  if (Status status = source.read(&first, header.e_shoff, sizeof(first), "section headers"); !status.isOk())
    return status;
  uint64_t count = header.e_shnum != 0 ? header.e_shnum : first.sh_size;
  names = header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : first.sh_link;
  if (count > source.size / sizeof(Elf64_Shdr) || !source.holds(header.e_shoff, count * sizeof(Elf64_Shdr)))
    return makeError(StatusCode::InvalidArgument, source.name, " is truncated: expects ", count,
                     " section headers at offset ", header.e_shoff, ", but got a ", source.name, " of ", source.size,
                     " bytes");
  sections.resize(count);
  return source.read(sections.data(), header.e_shoff, count * sizeof(Elf64_Shdr), "section headers");
}

Status readContent(const File &file, const Elf64_Shdr &section, const char *what, std::vector<uint8_t> &content) {
  if (section.sh_type == SHT_NOBITS || (section.sh_flags & SHF_COMPRESSED) != 0)
    return makeError(StatusCode::InvalidArgument, "expects ", what, " with plain bytes in the file, but got ",
                     section.sh_type == SHT_NOBITS ? "none" : "compressed ones");
  if (file.holds(section.sh_offset, section.sh_size))
    content.resize(section.sh_size);
  return file.read(content.data(), section.sh_offset, section.sh_size, what);
}

Status readSection(const std::string &path, const char *name, std::vector<uint8_t> &content) {
  File file;
  Elf64_Ehdr header;
  std::vector<Elf64_Shdr> sections;
  std::vector<uint8_t> names;
  uint64_t namesIndex = 0;
  if (Status status = file.open(path); !status.isOk())
    return status;
  if (Status status = readHeader(file, header); !status.isOk())
    return status;
  if (Status status = checkSegments(file, header); !status.isOk())
    return status;
  if (Status status = readSectionHeaders(file, header, sections, namesIndex); !status.isOk())
    return status;
  if (namesIndex < sections.size())
    if (Status status = readContent(file, sections[namesIndex], "section names", names); !status.isOk())
      return status;
  size_t nameBytes = std::strlen(name) + 1;
  for (const Elf64_Shdr &section : sections)
    if (section.sh_name < names.size() && nameBytes <= names.size() - section.sh_name &&
        std::memcmp(&names[section.sh_name], name, nameBytes) == 0)
      return readContent(file, section, name, content);
  return makeError(StatusCode::InvalidArgument, "expects a sparse-attn artifact, but got a shared library without ",
                   "section ", name);
}

} // namespace

Result<std::vector<uint8_t>> readElfSection(const std::string &path, const char *name) {
  std::vector<uint8_t> content;
  if (Status status = readSection(path, name, content); !status.isOk())
    return status;
  return content;
}

Status checkCubin(const void *data, size_t bytes) {
  Cubin cubin(data, bytes);
  unsigned char ident[EI_NIDENT] = {};
  bool isElf = false;
  if (Status status = readIdent(cubin, ident, isElf); !status.isOk())
    return status;
  if (!isElf)
    return makeError(StatusCode::InvalidArgument, "expects a cubin, an ELF file, but got other bytes");
  Elf64_Ehdr header;
  if (Status status = cubin.read(&header, 0, sizeof(header), "a header"); !status.isOk())
    return status;
  if (!isFor(header, EM_CUDA))
    return makeError(StatusCode::InvalidArgument, "expects a cubin, an ELF file for CUDA (machine ", EM_CUDA,
                     ", 64 bits, little endian), but got one for machine ", header.e_machine);
  if (Status status = checkSegments(cubin, header); !status.isOk())
    return status;
  std::vector<Elf64_Shdr> sections;
  uint64_t names = 0;
  return readSectionHeaders(cubin, header, sections, names);
}

} // namespace sparse_attn
