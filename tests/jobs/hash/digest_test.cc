// tests/jobs/hash/digest_test.cc - digests against published vectors and independent tools.

#include "jobs/hash/digest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::digest_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/hash/digest");

namespace {

struct Vector {
  Algorithm algorithm;
  std::string message;
  const char* hex;
};

// FIPS 180-4 examples, RFC 1321 appendix A.5, and the sanity values of xxHash for seed 0.
const std::vector<Vector>& published_vectors() {
  static const std::vector<Vector> vectors = {
      {Algorithm::kSha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {Algorithm::kSha256, "abc",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {Algorithm::kSha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {Algorithm::kSha256, std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {Algorithm::kSha512, "abc",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
      {Algorithm::kSha512, "",
       "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
       "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
      {Algorithm::kSha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {Algorithm::kSha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {Algorithm::kMd5, "", "d41d8cd98f00b204e9800998ecf8427e"},
      {Algorithm::kMd5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {Algorithm::kXxh3, "", "2d06800538d394c2"},
      {Algorithm::kXxh128, "", "99aa06d3014798d86001c324468d497f"},
  };
  return vectors;
}

// Bytes of every value, the same in each run.
std::string patterned(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t x = 2463534242;
  for (char& c : bytes) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    c = static_cast<char>(x >> 11);
  }
  return bytes;
}

}  // namespace

TEST_CASE("published vectors") {
  for (const Vector& vector : published_vectors()) {
    CAPTURE(algorithm_name(vector.algorithm));
    CAPTURE(vector.message.size());
    CHECK(digest_of(vector.algorithm, vector.message).hex() == vector.hex);
  }
}

TEST_CASE("pieces of any size give the digest of the whole") {
  const std::string message = patterned(10'000);
  for (const Algorithm algorithm : all_algorithms()) {
    CAPTURE(algorithm_name(algorithm));
    const Digest whole = digest_of(algorithm, message);
    for (const std::size_t piece : {1u, 7u, 63u, 64u, 65u, 1024u, 4096u}) {
      CAPTURE(piece);
      DigestPass pass(std::span<const Algorithm>(&algorithm, 1));
      for (std::size_t at = 0; at < message.size(); at += piece) {
        pass.update(std::string_view(message).substr(at, piece));
      }
      pass.update({});
      CHECK(pass.finish().front() == whole);
    }
  }
}

TEST_CASE("one pass computes every algorithm, in the order asked for") {
  const std::vector<Algorithm> wanted = {Algorithm::kXxh128, Algorithm::kMd5,  Algorithm::kSha256,
                                         Algorithm::kSha512, Algorithm::kSha1, Algorithm::kXxh3,
                                         Algorithm::kMd5};
  DigestPass pass(wanted);
  pass.update("a");
  pass.update("bc");
  const std::vector<Digest> digests = pass.finish();
  REQUIRE(digests.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(digests[i] == digest_of(wanted[i], "abc"));
}

TEST_CASE("a pass begins anew after finish and after reset") {
  const std::vector<Algorithm> wanted(all_algorithms().begin(), all_algorithms().end());
  DigestPass pass(wanted);
  pass.update("first");
  static_cast<void>(pass.finish());
  pass.update("half of some");
  pass.reset();
  pass.update("second");
  const std::vector<Digest> digests = pass.finish();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK(digests[i] == digest_of(wanted[i], "second"));
  }
}

TEST_CASE("names are those of job files and found again") {
  for (const Algorithm algorithm : all_algorithms()) {
    CHECK(find_algorithm(algorithm_name(algorithm)) == algorithm);
    CHECK(digest_of(algorithm, "x").hex().size() == 2 * digest_size(algorithm));
  }
  CHECK(!find_algorithm("SHA256"));
  CHECK(!find_algorithm(""));
}

TEST_CASE("the coreutils give the same digests") {
  const gorun::test::ScratchDir scratch;
  const std::string message = patterned(123'457);
  const std::string path = scratch.write("message", message);
  for (const Algorithm algorithm :
       {Algorithm::kSha256, Algorithm::kSha512, Algorithm::kSha1, Algorithm::kMd5}) {
    const std::string tool = std::string(algorithm_name(algorithm)) + "sum";
    const auto asked = gorun::test::run_shell(tool + " < " + path);
    REQUIRE(asked.exit_status == 0);
    CHECK(digest_of(algorithm, message).hex() + "  -\n" == asked.out);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::digest_test
