// tests/jobs/hash/sha256_lanes_test.cc - every way to SHA-256 gives what OpenSSL gives.

#include "jobs/hash/sha256_lanes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

namespace gorun::test::sha256_lanes_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/hash/sha256_lanes");

namespace {

// Lengths around the end of a block and of its padding.
constexpr std::array<std::size_t, 14> kBorders = {0,  1,  54,  55,  56,  57,  63,
                                                  64, 65, 119, 120, 127, 128, 129};

std::vector<Sha256Path> paths() {
  std::vector<Sha256Path> out;
  for (const std::string_view name : sha256_path_names()) {
    const Sha256Path path = find_sha256_path(name).value();
    if (Sha256Lanes::are_available(path)) out.push_back(path);
  }
  return out;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Feeds all messages through the lanes, each in pieces of up to `piece` bytes (a multiple of 64).
std::vector<Digest> hash_all(Sha256Path path, const std::vector<std::string>& messages,
                             std::size_t piece) {
  Sha256Lanes lanes(path);
  constexpr std::size_t kNone = SIZE_MAX;
  struct Use {
    std::size_t message = SIZE_MAX;
    std::size_t fed = 0;
    bool last = false;
  };
  std::vector<Use> uses(lanes.width());
  std::vector<Digest> digests(messages.size());
  std::size_t next = 0;
  std::size_t done = 0;
  while (done < messages.size()) {
    for (std::size_t i = 0; i < lanes.width(); ++i) {
      Use& use = uses[i];
      if (!lanes.is_dry(i)) continue;
      if (use.message != kNone && use.last) {
        digests[use.message] = lanes.finish(i);
        ++done;
        use = {};
      }
      if (use.message == kNone) {
        if (next == messages.size()) continue;
        use = {next++, 0, false};
        lanes.begin(i);
      }
      const std::string_view rest = std::string_view(messages[use.message]).substr(use.fed);
      use.last = rest.size() <= piece;
      use.last ? lanes.feed_last(i, bytes_of(rest))
               : lanes.feed(i, bytes_of(rest.substr(0, piece)));
      use.fed += piece;
    }
    lanes.advance();
  }
  return digests;
}

std::string random_text(std::mt19937* random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>((*random)());
  return text;
}

void check_equal_to_openssl(const std::vector<std::string>& messages, std::size_t piece) {
  std::vector<Digest> expected;
  for (const std::string& message : messages) {
    expected.push_back(digest_of(Algorithm::kSha256, message));
  }
  for (const Sha256Path path : paths()) {
    CAPTURE(sha256_path_names()[static_cast<std::size_t>(path)]);
    const std::vector<Digest> digests = hash_all(path, messages, piece);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      CAPTURE(messages[i].size());
      REQUIRE(digests[i] == expected[i]);
    }
  }
}

}  // namespace

TEST_CASE("the vectors of FIPS 180") {
  const std::vector<std::string> messages = {
      "abc", "", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmn"
      "opqrsmnopqrstnopqrstu",
      std::string(1'000'000, 'a')};
  const std::array<std::string_view, 5> expected = {
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"};
  for (const Sha256Path path : paths()) {
    CAPTURE(sha256_path_names()[static_cast<std::size_t>(path)]);
    const std::vector<Digest> digests = hash_all(path, messages, 4096);
    for (std::size_t i = 0; i < messages.size(); ++i) CHECK(digests[i].hex() == expected[i]);
  }
}

TEST_CASE("lengths around blocks and padding, with any number of messages") {
  std::mt19937 random(1);
  for (std::size_t count = 1; count <= 33; ++count) {
    std::vector<std::string> messages;
    for (std::size_t i = 0; i < count; ++i) {
      messages.push_back(random_text(&random, kBorders[(i + count) % kBorders.size()]));
    }
    check_equal_to_openssl(messages, 64);
  }
}

TEST_CASE("random lengths up to 1 MiB, whole and in pieces") {
  std::mt19937 random(2);
  std::vector<std::string> messages;
  for (int i = 0; i < 24; ++i) {
    const std::size_t bits = 4 + random() % 17;  // as many short ones as long ones
    messages.push_back(random_text(&random, random() % ((std::size_t{1} << bits) + 1)));
  }
  messages.push_back(random_text(&random, std::size_t{1} << 20));
  check_equal_to_openssl(messages, std::size_t{1} << 21);
  check_equal_to_openssl(messages, 32768);
}

TEST_CASE("paths have names, and what this processor lacks is not available") {
  for (const std::string_view name : sha256_path_names()) CHECK(find_sha256_path(name).has_value());
  CHECK(!find_sha256_path("avx1024").has_value());
  CHECK(is_available(Sha256Path::kAuto));
  CHECK(is_available(Sha256Path::kOpenssl));
  CHECK(!Sha256Lanes::are_available(Sha256Path::kOpenssl));
}

TEST_SUITE_END();

}  // namespace gorun::test::sha256_lanes_test
