// tests/jobs/hash/blake3_test.cc - BLAKE3 gives the published values, by every kernel.

#include "jobs/hash/blake3.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "jobs/hash/blake3_batch.h"
#include "jobs/hash/digest.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::blake3_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::run_shell;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/hash/blake3");

namespace {

using Bytes = std::vector<std::uint8_t>;

// The input of the published vectors: 0, 1, ..., 250, and again.
Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  return bytes;
}

std::string hex(const Blake3Value& value) {
  Digest digest;
  digest.algorithm = Algorithm::kBlake3;
  std::copy(value.begin(), value.end(), digest.bytes.begin());
  return digest.hex();
}

Blake3Value whole(Blake3* blake3, std::span<const std::uint8_t> bytes) {
  blake3->update(bytes);
  return blake3->finish();
}

// Only the kernel with one lane: the plainest reading of the paper.
Blake3Value plain(std::span<const std::uint8_t> bytes) {
  Blake3 blake3(blake3_kernels().last(1));
  return whole(&blake3, bytes);
}

}  // namespace

TEST_CASE("three values of the paper's test vectors") {
  CHECK(hex(plain({})) == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  CHECK(hex(plain(counting(1))) ==
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213");
  CHECK(hex(plain(counting(1025))) ==
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444");
}

TEST_CASE("all published vectors, by every kernel") {
  const std::string path = GORUN_SOURCE_DIR "/../shared/testdata/blake3_test_vectors.json";
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: no " << path);
    return;
  }
  std::ifstream file(path);
  const nlohmann::json vectors = nlohmann::json::parse(file);
  for (const auto& vector : vectors.at("cases")) {
    const Bytes input = counting(vector.at("input_len").get<std::size_t>());
    const std::string expected = vector.at("hash").get<std::string>().substr(0, 64);
    CAPTURE(input.size());
    for (std::size_t first = 0; first < blake3_kernels().size(); ++first) {
      Blake3 blake3(blake3_kernels().subspan(first));
      CHECK(hex(whole(&blake3, input)) == expected);
    }
  }
}

TEST_CASE("pieces of any size make the same tree") {
  std::mt19937 random(1);
  Bytes input(std::size_t{1} << 20);
  for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random());
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = random() % ((std::size_t{1} << (random() % 21)) + 1);
    const std::span<const std::uint8_t> message = std::span(input).first(size);
    CAPTURE(size);
    const Blake3Value expected = plain(message);
    for (std::size_t first = 0; first < blake3_kernels().size(); ++first) {
      Blake3 blake3(blake3_kernels().subspan(first));
      for (std::size_t at = 0; at < size;) {
        const std::size_t piece = std::min(size - at, 1 + random() % 70'000);
        blake3.update(message.subspan(at, piece));
        at += piece;
      }
      REQUIRE(blake3.finish() == expected);
    }
  }
}

TEST_CASE("subtrees from elsewhere make the same tree") {
  const Bytes input = counting(1'500'000);
  const std::size_t part = 65536;
  for (const std::size_t size : {part + 1, 2 * part, 3 * part, 4 * part, 7 * part + 1, 8 * part - 1,
                                 11 * part + 1024, 16 * part + 5000}) {
    CAPTURE(size);
    const std::span<const std::uint8_t> message = std::span(input).first(size);
    Blake3Tree tree;
    for (std::size_t at = 0; at < size; at += part) {
      const std::span<const std::uint8_t> bytes = message.subspan(at, std::min(part, size - at));
      const std::size_t chunks = (bytes.size() + kBlake3ChunkBytes - 1) / kBlake3ChunkBytes;
      tree.push(blake3_subtree(bytes, at / kBlake3ChunkBytes), chunks);
    }
    CHECK(tree.root() == plain(message));
    CHECK(tree.empty());
  }
}

TEST_CASE("messages of a batch get what each by itself gets, by every kernel") {
  std::mt19937 random(3);
  const Bytes input = counting(std::size_t{100} << 10);
  std::vector<std::size_t> sizes = {0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3072, 65536};
  for (int i = 0; i < 60; ++i) sizes.push_back(random() % 17'000);
  for (std::size_t first = 0; first < blake3_kernels().size(); ++first) {
    CAPTURE(blake3_kernels()[first].name);
    Blake3Batch batch(blake3_kernels().subspan(first));
    for (const std::size_t count :
         {sizes.size(), std::size_t{1}, std::size_t{0}, std::size_t{17}}) {
      for (std::size_t i = 0; i < count; ++i) {
        batch.add(std::span(input).subspan(i, sizes[i]));
      }
      batch.compute();
      REQUIRE(batch.size() == count);
      for (std::size_t i = 0; i < count; ++i) {
        CAPTURE(sizes[i]);
        CHECK(batch.value(i) == plain(std::span(input).subspan(i, sizes[i])));
      }
      batch.clear();
    }
  }
}

TEST_CASE("a batch reads nothing behind its messages") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{65}, std::size_t{1023}}) {
    const Bytes exact = counting(size);  // on the heap, where the address sanitizer watches
    Blake3Batch batch;
    batch.add(exact);
    batch.compute();
    CHECK(batch.value(0) == plain(exact));
  }
}

TEST_CASE("b3sum gives the same") {
  if (run_shell("command -v b3sum").exit_status != 0) {
    MESSAGE("skipped: no b3sum");
    return;
  }
  const ScratchDir scratch;
  std::mt19937 random(2);
  for (int i = 0; i < 12; ++i) {
    std::string bytes(random() % (std::size_t{1} << (2 * i)), '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string path = scratch.write("file", bytes);
    CHECK(run_shell("b3sum --no-names " + path).out ==
          digest_of(Algorithm::kBlake3, bytes).hex() + "\n");
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::blake3_test
