// jobs/compress/decoded_stream.h - the plain bytes of a compressed file, as they are asked for.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jobs/compress/decoder.h"
#include "jobs/input_stream.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class DecodedStream {
 public:
  /// how     not kNone.
  /// errors  std::bad_alloc.
  DecodedStream(InputStream input, Compression how)
      : input_(input), decoder_(Decoder::make(how)), buffer_(kBufferBytes, '\0') {}

  /// True if read() would return without waiting for somebody, or nearly so.
  [[nodiscard]] bool is_ready() const { return !rest_.empty() || input_.is_ready(); }

  struct Got {
    InputStream::Got read;             // its bytes are those that were made; 0: as for InputStream
    std::optional<std::string> wrong;  // why the file cannot be decoded
  };
  /// Makes up to `room` bytes, at least one unless at the end.
  Got read(std::span<char> room);

 private:
  // Some pieces of text of usual density: one read pays for itself, and both fit the cache.
  static constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

  InputStream input_;
  std::unique_ptr<Decoder> decoder_;
  std::string buffer_;
  std::string_view rest_;  // of what is in buffer_: not decoded yet
  bool is_last_ = false;   // rest_ is all that is left of the file
};

}  // namespace gorun::jobs
