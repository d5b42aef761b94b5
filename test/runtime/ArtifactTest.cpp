//===- ArtifactTest.cpp - Files that are artifacts, and that are not ------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include <elf.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// A file of its own for every content, removed at the end. Loaded libraries are told apart by their file.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::string &content) {
    static int count = 0;
    name = testing::TempDir() + "sparse-attn-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".so";
    std::ofstream(name, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
  }
  ~TemporaryFile() { unlink(name.c_str()); }
  std::string name;
};

Status open(const std::string &content) { return Artifact::open(TemporaryFile(content).name).status(); }

/// The good artifact with the first `from` replaced by `to`, of the same length.
std::string patched(const std::string &from, const std::string &to) {
  std::string content = readFile(SPARSE_ATTN_TEST_ARTIFACT);
  size_t at = content.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(from.size(), to.size());
  return content.replace(at, from.size(), to);
}

TEST(Artifact, Opens) {
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::open(SPARSE_ATTN_TEST_ARTIFACT);
  ASSERT_TRUE(artifact.isOk()) << artifact.status().message();
  EXPECT_EQ((*artifact)->manifest().module, "handwritten");
  EXPECT_NE((*artifact)->entry(9), nullptr);
}

TEST(Artifact, OpensAPathWithoutSlash) {
  std::string path = SPARSE_ATTN_TEST_ARTIFACT;
  size_t slash = path.rfind('/');
  char *before = getcwd(nullptr, 0);
  ASSERT_EQ(chdir(path.substr(0, slash).c_str()), 0);
  Status status = Artifact::open(path.substr(slash + 1)).status();
  EXPECT_TRUE(status.isOk()) << status.message();
  ASSERT_EQ(chdir(before), 0);
  std::free(before);
}

TEST(Artifact, PlanKeepsTheLibraryLoaded) {
  Problem problem({1, 2, 1, 20, 20});
  std::vector<Value> captures = {makeScalar(2), makeScalar(2)};
  std::shared_ptr<const Plan> plan;
  {
    TemporaryFile file(readFile(SPARSE_ATTN_TEST_ARTIFACT));
    Result<std::shared_ptr<const Artifact>> artifact = Artifact::open(file.name);
    ASSERT_TRUE(artifact.isOk()) << artifact.status().message();
    Result<std::shared_ptr<const Plan>> prepared = Plan::prepare(*artifact, "window", problem.arguments(captures));
    ASSERT_TRUE(prepared.isOk());
    plan = *prepared;
  }
  problem.launch(*plan, captures, true);
  problem.expectReference([](int64_t, int64_t, int64_t q, int64_t k) { return q - 2 <= k && k <= q + 2; }, true);
}

TEST(ArtifactErrors, FilesThatAreNone) {
  EXPECT_EQ(Artifact::open("/no/such/file.so").status().message(),
            "/no/such/file.so: expects a file that can be read, but got: No such file or directory");
  EXPECT_EQ(Artifact::open("").status().code(), StatusCode::InvalidArgument);
  EXPECT_EQ(Artifact::open("/").status().message(), "/: expects a regular file, but got a directory");
  EXPECT_EQ(Artifact::open("/dev/null").status().message(),
            "/dev/null: expects a regular file, but got a special file");
  for (const char *content : {"", "\x7f", "hello, this is some text, longer than any header of an ELF file is long"})
    EXPECT_THAT(open(content).message(),
                testing::HasSubstr("expects a sparse-attn artifact, an ELF shared library, but "
                                   "got a file of another format"));
  TemporaryFile pipe("");
  unlink(pipe.name.c_str());
  ASSERT_EQ(mkfifo(pipe.name.c_str(), 0600), 0);
  EXPECT_THAT(Artifact::open(pipe.name).status().message(), testing::HasSubstr("but got a special file"));
}

TEST(ArtifactErrors, ObjectFileIsToldApart) {
  EXPECT_THAT(Artifact::open(SPARSE_ATTN_TEST_OBJECT).status().message(),
              testing::HasSubstr("expects a shared library (.so), but got an object file (.o); link it"));
}

TEST(ArtifactErrors, PlainLibraryIsNotLoaded) {
  EXPECT_THAT(Artifact::open(SPARSE_ATTN_TEST_PLAIN_LIBRARY).status().message(),
              testing::HasSubstr("expects a sparse-attn artifact, but got a shared library without section "
                                 ".sparse_attn.manifest"));
  EXPECT_EQ(std::getenv("SPARSE_ATTN_PLAIN_LIBRARY_RAN"), nullptr);
}

TEST(ArtifactErrors, OtherMachine) {
  std::string content = readFile(SPARSE_ATTN_TEST_ARTIFACT);
  content[18] = static_cast<char>(EM_AARCH64);
  Status status = open(content);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_THAT(status.message(), testing::HasSubstr("but got one for machine 183"));
}

TEST(ArtifactErrors, OtherVersion) {
  Status status = open(patched(std::string("SPRSATTN\2\0\0\0", 12), std::string("SPRSATTN\1\0\0\0", 12)));
  EXPECT_EQ(status.code(), StatusCode::VersionMismatch);
  EXPECT_THAT(status.message(), testing::HasSubstr("expects artifact format version 2, but got 1"));
}

TEST(ArtifactErrors, SymbolAndEntriesMustExist) {
  EXPECT_THAT(open(patched("\"handwritten\"", "\"handwrittem\"")).message(),
              testing::HasSubstr("expects symbol handwrittem_sparse_attn_image, but got: "));
  EXPECT_THAT(open(patched("\"plan\": 9", "\"plan\":99")).message(),
              testing::HasSubstr("kernel 'packed_0' (any): expects entries below 23, the image's number, but got 99"));
}

TEST(ArtifactErrors, TruncatedAtAnyLength) {
  std::string content = readFile(SPARSE_ATTN_TEST_ARTIFACT);
  size_t step = std::max<size_t>(content.size() / 400, 1);
  for (size_t length = 0; length < content.size(); length += length < 200 ? 1 : step) {
    Status status = open(content.substr(0, length));
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument) << length;
  }
  EXPECT_THAT(open(content.substr(0, content.size() - 1)).message(), testing::HasSubstr("file is truncated: expects"));
  EXPECT_THAT(open(content.substr(0, content.size() / 2)).message(), testing::HasSubstr("file is truncated: expects"));
}

TEST(ArtifactErrors, CorruptHeadersNeverCrash) {
  // Section headers and the ELF header steer the reader; the loader sees only files whose manifest could be read, so
  // changes are confined to what the loader does not use.
  const std::string good = readFile(SPARSE_ATTN_TEST_ARTIFACT);
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof(header));
  std::mt19937 generator(9);
  for (int round = 0; round < 600; ++round) {
    std::string content = good;
    size_t table = header.e_shoff + generator() % (header.e_shnum * sizeof(Elf64_Shdr) - 8);
    const uint64_t values[] = {0, UINT64_MAX, content.size(), content.size() - 1, uint64_t(1) << 63, generator()};
    uint64_t value = values[generator() % 6];
    std::memcpy(&content[table], &value, 1 + generator() % 8);
    if (round % 4 == 0) {
      uint16_t word = static_cast<uint16_t>(generator());
      size_t fields[] = {offsetof(Elf64_Ehdr, e_shnum), offsetof(Elf64_Ehdr, e_shstrndx),
                         offsetof(Elf64_Ehdr, e_shentsize)};
      std::memcpy(&content[fields[generator() % 3]], &word, sizeof(word));
    }
    if (round % 7 == 0) {
      uint64_t offset = values[generator() % 6];
      std::memcpy(&content[offsetof(Elf64_Ehdr, e_shoff)], &offset, sizeof(offset));
    }
    Status status = open(content);
    EXPECT_TRUE(status.isOk() || !status.message().empty());
  }
}

TEST(ArtifactErrors, CorruptManifestsNeverCrash) {
  const std::string good = readFile(SPARSE_ATTN_TEST_ARTIFACT);
  size_t begin = good.find("SPRSATTN"), bytes = handwritten_sparse_attn_image.manifest_bytes;
  std::mt19937 generator(13);
  for (int round = 0; round < 200; ++round) {
    std::string content = good;
    content[begin + generator() % bytes] = static_cast<char>(generator());
    Status status = open(content);
    EXPECT_TRUE(status.isOk() || !status.message().empty());
  }
}

TEST(ArtifactErrors, ImagesAreChecked) {
  EXPECT_EQ(Artifact::fromImage(nullptr).status().message(), "expects an image, but got null");
  sparse_attn_image image = handwritten_sparse_attn_image;
  image.entries = nullptr;
  EXPECT_EQ(Artifact::fromImage(&image).status().message(), "expects 23 entries, but got null");
  image = handwritten_sparse_attn_image;
  image.entry_count = 3;
  EXPECT_EQ(Artifact::fromImage(&image).status().message(),
            "kernel 'window_0' (any): expects entries below 3, the image's number, but got 10");
  image = handwritten_sparse_attn_image;
  image.manifest = nullptr;
  EXPECT_EQ(Artifact::fromImage(&image).status().code(), StatusCode::InvalidArgument);
  image = handwritten_sparse_attn_image;
  std::vector<void (*)()> entries(image.entries, image.entries + image.entry_count);
  entries[4] = nullptr;
  image.entries = entries.data();
  EXPECT_EQ(Artifact::fromImage(&image).status().message(), "expects a function as entry 4, but got null");
}

TEST(ArtifactErrors, BlobsAreChecked) {
  auto message = [](const sparse_attn_blob *blobs, uint64_t count) {
    sparse_attn_image image = handwritten_gpu_sparse_attn_image;
    image.blobs = blobs;
    image.blob_count = count;
    return Artifact::fromImage(&image).status().message();
  };
  const char text[] = "text";
  EXPECT_EQ(message(handwritten_gpu_sparse_attn_image.blobs, 2), "");
  EXPECT_EQ(message(handwritten_gpu_sparse_attn_image.blobs, 1),
            "kernel 'window_0' (sm_80): expects blobs below 1, the image's number, but got 1");
  EXPECT_EQ(message(nullptr, 2), "expects 2 blobs, but got null");
  const sparse_attn_blob withNull[] = {{text, sizeof(text)}, {nullptr, 4}};
  EXPECT_EQ(message(withNull, 2), "expects bytes as blob 1, but got null");
  const sparse_attn_blob withNone[] = {{text, sizeof(text)}, {text, 0}};
  EXPECT_EQ(message(withNone, 2), "expects bytes as blob 1, but got none");
  const sparse_attn_blob withoutZero[] = {{text, sizeof(text) - 1}, {text, sizeof(text)}};
  EXPECT_EQ(message(withoutZero, 2), "kernel 'window_0' (sm_80): expects ptx that ends in a zero byte, but got 116");
}

/// Machine code with a segment, and the section headers behind it.
std::string makeCubin() {
  const sparse_attn_blob &plain = handwritten_gpu_sparse_attn_image.blobs[1];
  Elf64_Ehdr header;
  std::memcpy(&header, plain.data, sizeof(header));
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_filesz = 16;
  header.e_phoff = sizeof(header);
  header.e_phnum = 1;
  segment.p_offset = header.e_phoff + sizeof(segment);
  header.e_shoff = segment.p_offset + segment.p_filesz;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 2;
  std::string content(header.e_shoff + 2 * sizeof(Elf64_Shdr), '\0');
  std::memcpy(&content[0], &header, sizeof(header));
  std::memcpy(&content[header.e_phoff], &segment, sizeof(segment));
  return content;
}

TEST(ArtifactErrors, CubinsAreChecked) {
  auto message = [](const std::string &cubin) {
    // A copy of exactly that size, so that a sanitizer sees reads past its end.
    std::unique_ptr<char[]> copy(new char[cubin.size()]);
    std::copy(cubin.begin(), cubin.end(), copy.get());
    sparse_attn_blob blobs[] = {handwritten_gpu_sparse_attn_image.blobs[0], {copy.get(), cubin.size()}};
    sparse_attn_image image = handwritten_gpu_sparse_attn_image;
    image.blobs = blobs;
    Status status = Artifact::fromImage(&image).status();
    EXPECT_EQ(status.code(), status.isOk() ? StatusCode::Ok : StatusCode::InvalidArgument);
    return status.message();
  };
  const std::string good = makeCubin(), kernel = "kernel 'window_0' (sm_80): ";
  EXPECT_EQ(message(good), "");
  for (size_t length = 1; length < good.size(); ++length)
    EXPECT_THAT(message(good.substr(0, length)), testing::StartsWith(kernel)) << length;
  EXPECT_EQ(message(good.substr(0, 3)), kernel + "expects a cubin, an ELF file, but got other bytes");
  EXPECT_EQ(message(good.substr(0, 63)),
            kernel + "cubin is truncated: expects a header of 64 bytes at offset 0, but got a cubin of 63 bytes");
  EXPECT_EQ(message(good.substr(0, 119)), kernel + "cubin is truncated: expects program headers of 56 bytes at offset "
                                                   "64, but got a cubin of 119 bytes");
  EXPECT_EQ(message(good.substr(0, 130)), kernel + "cubin is truncated: expects a segment of 16 bytes at offset 120, "
                                                   "but got a cubin of 130 bytes");
  EXPECT_EQ(message(good.substr(0, good.size() - 1)),
            kernel + "cubin is truncated: expects 2 section headers at offset 136, but got a cubin of 263 bytes");
  std::string other = good;
  other[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
  EXPECT_EQ(message(other), kernel + "expects a cubin, an ELF file for CUDA (machine 190, 64 bits, little endian), but "
                                     "got one for machine 62");
}

} // namespace
