// tests/jobs/out_test.cc - what leaves a stage: batches that are passed on as they are, and few
// items of many, which are copied so that the memory of the others is free.

#include "jobs/out.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gorun::test::out_test {

namespace {

using namespace gorun::jobs;

class Collector final : public Out {
 public:
  Collector() : Out(kBatchItems) {}
  [[nodiscard]] bool reader_is_idle() const override { return false; }

  std::vector<Batch> batches;

 protected:
  Flow deliver(Batch&& batch) override {
    batches.push_back(std::move(batch));
    return Flow::kMore;
  }
  Flow deliver_flush() override { return Flow::kMore; }
};

std::vector<std::string> texts_of(const Collector& out) {
  std::vector<std::string> texts;
  for (const Batch& batch : out.batches) {
    for (const Item& item : batch.items()) texts.emplace_back(item.text);
  }
  return texts;
}

// What a file is read to: lines of 64 bytes, each with its number.
struct Chunk {
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kLines = 4096;

  Chunk() : block(Block::make(kLine * kLines)) {
    for (std::size_t i = 0; i < kLines; ++i) {
      std::string line = std::to_string(i);
      line.resize(kLine - 1, '.');
      line += '\n';
      line.copy(block->data() + i * kLine, kLine);
    }
    block->set_used(kLine * kLines);
  }
  [[nodiscard]] std::string_view line(std::size_t i) const {
    return {block->data() + i * kLine, kLine - 1};
  }
  [[nodiscard]] std::vector<std::string_view> lines(std::size_t begin, std::size_t step,
                                                    std::size_t count) const {
    std::vector<std::string_view> lines;
    for (std::size_t i = 0; i < count; ++i) lines.push_back(line(begin + i * step));
    return lines;
  }

  BlockRef block;
};

void emit_lines(const Chunk& chunk, const std::vector<std::string_view>& lines, Out& out) {
  std::string path = "the path";
  Batch batch;
  batch.keep(chunk.block);
  const Field field{.name = batch.copy("path"), .value = batch.copy(path)};
  batch.push({.text = {chunk.block->data(), chunk.block->used()}});
  batch.set_fields(&batch.items().back(), {&field, 1});
  static_cast<void>(out.emit_records({batch, batch.items().front(), lines}));
}

}  // namespace

TEST_SUITE_BEGIN("jobs/out");

TEST_CASE("records that are few of a text, or far apart, are copied with the fields of the text") {
  const struct {
    std::size_t begin, step, count;
  } rows[] = {{0, 1, 1}, {4095, 1, 1}, {7, 1, 31}, {3, 2000, 3}, {0, 8, 512}, {0, 6, 600}};
  for (const auto& row : rows) {
    CAPTURE(row.count);
    CAPTURE(row.step);
    const Chunk chunk;
    const std::vector<std::string_view> lines = chunk.lines(row.begin, row.step, row.count);
    Collector out;
    emit_lines(chunk, lines, out);
    static_cast<void>(out.flush());
    CHECK(chunk.block->is_unique());
    CHECK(texts_of(out) == std::vector<std::string>(lines.begin(), lines.end()));
    for (const Batch& batch : out.batches) {
      for (const Item& item : batch.items()) {
        REQUIRE(item.find("path") != nullptr);
        REQUIRE(item.find("path")->value == "the path");
      }
    }
  }
}

TEST_CASE("records of many chunks keep none of them alive") {
  std::vector<Chunk> chunks(20);
  Collector out;
  for (const Chunk& chunk : chunks) emit_lines(chunk, chunk.lines(100, 1, 2), out);
  static_cast<void>(out.flush());
  CHECK(out.batches.size() == 1);
  CHECK(texts_of(out).size() == 40);
  for (const Chunk& chunk : chunks) CHECK(chunk.block->is_unique());
}

TEST_CASE("records that are most of their text are not copied") {
  const Chunk chunk;
  Collector out;
  emit_lines(chunk, chunk.lines(0, 1, 256), out);
  static_cast<void>(out.flush());
  CHECK(!chunk.block->is_unique());
  REQUIRE(out.batches.size() == 1);
  CHECK(out.batches.front().items()[255].text.data() == chunk.line(255).data());
}

TEST_CASE("a batch of which most was dropped is copied behind what was emitted before") {
  const Chunk chunk;
  Batch whole;
  whole.keep(chunk.block);
  for (const std::string_view line : chunk.lines(0, 1, 512)) whole.push({.text = line});
  Collector out;
  static_cast<void>(out.emit({.text = "first"}));
  SUBCASE("by truncate()") {
    whole.truncate(100);
    static_cast<void>(out.send(std::move(whole)));
  }
  SUBCASE("by pick()") {
    const std::vector<Item> some(whole.items().begin(), whole.items().begin() + 100);
    static_cast<void>(out.send(whole.pick(some)));
    whole.clear();
  }
  CHECK(out.batches.empty());
  static_cast<void>(out.flush());
  CHECK(chunk.block->is_unique());
  const std::vector<std::string> texts = texts_of(out);
  REQUIRE(texts.size() == 101);
  CHECK(texts.front() == "first");
  CHECK(texts.back() == chunk.line(99));
}

TEST_CASE("a batch of which most is left is passed on as it is") {
  const Chunk chunk;
  Batch whole;
  whole.keep(chunk.block);
  for (const std::string_view line : chunk.lines(0, 1, 512)) whole.push({.text = line});
  whole.truncate(128);
  Collector out;
  static_cast<void>(out.send(std::move(whole)));
  REQUIRE(out.batches.size() == 1);
  CHECK(out.batches.front().items()[127].text.data() == chunk.line(127).data());
}

TEST_CASE("items with large fields are passed on before there are many") {
  const std::string value(std::size_t{40} << 10, 'v');
  Collector out;
  for (int i = 0; i < 4; ++i) {
    const Field field{.name = "body", .value = out.batch().copy(value)};
    Item item{.text = "small"};
    out.batch().set_fields(&item, {&field, 1});
    static_cast<void>(out.emit(item));
  }
  CHECK(out.batches.size() == 2);
}

TEST_SUITE_END();

}  // namespace gorun::test::out_test
