#include "jobs/compress/decoded_stream.h"

#include <utility>

namespace gorun::jobs {

DecodedStream::Got DecodedStream::read(std::span<char> room) {
  for (;;) {
    Decoder::Made made = decoder_->decode(&rest_, room, is_last_);
    if (made.wrong) return {.read = {}, .wrong = std::move(made.wrong)};
    if (made.bytes > 0) return {.read = {.bytes = made.bytes}, .wrong = {}};
    if (!rest_.empty()) continue;  // the next member begins
    if (is_last_) {
      if (decoder_->may_end()) return {};
      return {.read = {}, .wrong = "the file is cut off"};
    }
    const InputStream::Got got = input_.read(buffer_.data(), buffer_.size());
    if (got.is_stopped || got.error_number != 0) return {.read = got, .wrong = {}};
    is_last_ = got.bytes == 0;
    rest_ = {buffer_.data(), got.bytes};
  }
}

}  // namespace gorun::jobs
