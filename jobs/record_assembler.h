// jobs/record_assembler.h - records out of a stream of bytes that comes in pieces.
//
// Pieces are read into blocks, and records are slices of them. Only the record that is under way
// when a block is full is copied, to the front of the next.
//
// Invariants
//   I1  block_[begin_, used) is the record under way; block_[begin_, scanned_) holds no delimiter.
//   I2  Bytes before begin_ belong to the records that were emitted and are not touched again while
//       anybody holds the block.
//   I3  The record under way has at most most_bytes_ bytes. One that has more is no longer
//   gathered:
//       the stream has no further record then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "jobs/batch.h"
#include "jobs/out.h"

namespace gorun::jobs {

class RecordAssembler {
 public:
  /// delimiter    ends a record and belongs to none; what follows the last one is a record, too,
  ///              unless it is empty.
  /// block_bytes  of a block that holds no longer record.
  RecordAssembler(char delimiter, std::size_t block_bytes)
      : delimiter_(delimiter), block_bytes_(block_bytes) {}

  /// Refuses a record of more bytes, the delimiter not counted.
  void refuse_longer_than(std::size_t most_bytes) { most_bytes_ = most_bytes; }
  /// Where in the stream the record begins that was refused. What is appended behind it is dropped.
  [[nodiscard]] std::optional<std::uint64_t> refused_at() const { return refused_at_; }

  /// Leaves out the first `count` records.
  void skip(std::uint64_t count) { skip_ = count; }

  /// Records get the fields of `like`, which `origin` keeps alive; both outlive the assembler's
  /// work.
  void give_fields_of(const Item& like, const Batch& origin) {
    like_ = like;
    origin_ = &origin;
  }

  /// Room for the next piece, at least one byte.
  [[nodiscard]] std::span<char> room();
  /// Says that the first `bytes` of room() are filled; emits the records that are whole.
  Flow filled(std::size_t bytes, Out& out);
  /// Copies a piece in, wherever it lies.
  Flow append(std::string_view piece, Out& out);
  /// Copies a piece in and emits it at once, as records that end where a block does: for a stream
  /// whose delimiters mean nothing.
  Flow pass_on(std::string_view piece, Out& out);
  /// The stream is at its end: emits the record under way.
  Flow finish(Out& out);

 private:
  Flow emit(std::size_t end, Out& out);
  Flow refuse();

  const char delimiter_;
  const std::size_t block_bytes_;
  std::size_t most_bytes_ = std::numeric_limits<std::size_t>::max();
  std::uint64_t begun_at_ = 0;  // where in the stream the record under way begins
  std::optional<std::uint64_t> refused_at_;
  std::uint64_t skip_ = 0;
  Item like_;
  const Batch* origin_ = nullptr;
  BlockRef block_;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;
};

}  // namespace gorun::jobs
