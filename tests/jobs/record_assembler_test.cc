#include "jobs/record_assembler.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::test::record_assembler_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

// Keeps the texts of what it is given.
class Texts final : public Out {
 public:
  Texts() : Out(kBatchItems) {}
  [[nodiscard]] bool reader_is_idle() const override { return false; }

  std::vector<std::string> all;

 protected:
  Flow deliver(Batch&& batch) override {
    for (const Item& item : batch.items()) all.emplace_back(item.text);
    return Flow::kMore;
  }
  Flow deliver_flush() override { return Flow::kMore; }
};

struct Assembled {
  std::vector<std::string> records;
  std::optional<std::uint64_t> refused_at;
  friend bool operator==(const Assembled&, const Assembled&) = default;
};

// The records of a stream that comes in pieces of so many bytes.
Assembled assemble(std::string_view stream, std::size_t piece_bytes, std::size_t block_bytes,
                   std::size_t most_bytes) {
  RecordAssembler records('\n', block_bytes);
  records.refuse_longer_than(most_bytes);
  Texts out;
  for (std::size_t at = 0; at < stream.size(); at += piece_bytes) {
    CHECK(records.append(stream.substr(at, piece_bytes), out) == Flow::kMore);
  }
  CHECK(records.finish(out) == Flow::kMore);
  CHECK(out.flush() == Flow::kMore);
  return {out.all, records.refused_at()};
}

}  // namespace

TEST_SUITE_BEGIN("jobs/record_assembler");

TEST_CASE("a record that is too long is refused, however the stream is cut") {
  const std::string stream = "ab\n\n" + std::string(9, 'c') + "\n" + std::string(10, 'd') + "\ne";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    for (const std::size_t block : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
      CAPTURE(piece);
      CAPTURE(block);
      CHECK(assemble(stream, piece, block, 10) ==
            Assembled{{"ab", "", "ccccccccc", "dddddddddd", "e"}, {}});
      CHECK(assemble(stream, piece, block, 9) == Assembled{{"ab", "", "ccccccccc"}, 14});
      CHECK(assemble(stream, piece, block, 8) == Assembled{{"ab", ""}, 4});
      CHECK(assemble(stream, piece, block, 1) == Assembled{{}, 0});
    }
  }
}

TEST_CASE("a last record without its end is too long like any other") {
  const std::string stream = "a\n" + std::string(10, 'b');
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    CAPTURE(piece);
    CHECK(assemble(stream, piece, 4, 10) == Assembled{{"a", "bbbbbbbbbb"}, {}});
    CHECK(assemble(stream, piece, 4, 9) == Assembled{{"a"}, 2});
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::record_assembler_test
