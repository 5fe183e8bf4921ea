#include "jobs/text/range_reader.h"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "jobs/format/quote.h"

namespace gorun::jobs {
namespace {

// Beyond the end of a range only the rest of one record is wanted: little is read at a time.
constexpr std::size_t kBeyondEndBytes = 4096;

}  // namespace

std::size_t ReadRange::first_end(std::string_view text) const {
  return delimiters.size() == 1 ? text.find(delimiters.front()) : text.find_first_of(delimiters);
}

std::size_t ReadRange::last_end(std::string_view text) const {
  return delimiters.size() == 1 ? text.rfind(delimiters.front()) : text.find_last_of(delimiters);
}

std::size_t ReadRange::find_long_record(std::string_view text) const {
  if (borders != nullptr) return std::string_view::npos;
  for (std::size_t record = 0; text.size() - record > max_record.bytes;) {
    const std::size_t last = last_end(text.substr(record, max_record.bytes + 1));
    if (last == std::string_view::npos) return record;
    record += last + 1;
  }
  return std::string_view::npos;
}

std::string ReadError::message() const {
  const std::string place = " (at byte " + std::to_string(offset) + ")";
  if (!system.call.empty()) return system.message() + place;
  const std::string name = quote_for_message(system.subject);
  if (!wrong.empty()) return "cannot decompress " + name + ": " + wrong;
  if (least_size > 0) {
    return name + " changed while it was read: it had " + std::to_string(least_size) +
           " bytes and has fewer" + place;
  }
  return name + " has a record of more than " + std::to_string(refused_by->bytes) +
         " bytes (at byte " + std::to_string(offset) + "; " + refused_by->way_out() + ")";
}

RangeReader::RangeReader(Source source, std::string name, const ReadRange& range)
    : source_(std::move(source)), name_(std::move(name)), range_(range) {
  if (!std::holds_alternative<int>(source_)) {
    range_.begin = 0;
    range_.end = std::numeric_limits<std::uint64_t>::max();
  }
  // The byte in front of the range tells whether a record starts with the range.
  skipping_ = range_.begin > 0 && range_.borders == nullptr;
  offset_ = range_.begin - (skipping_ ? 1 : 0);
  done_ = range_.begin >= range_.end;
}

RangeReader RangeReader::of_file(int fd, std::string name, const ReadRange& range) {
  return RangeReader(fd, std::move(name), range);
}

RangeReader RangeReader::of_stream(int fd, std::string name, const ReadRange& range, int cancel_fd,
                                   Compression how) {
  const InputStream stream(fd, cancel_fd);
  if (how == Compression::kNone) return RangeReader(stream, std::move(name), range);
  return RangeReader(DecodedStream(stream, how), std::move(name), range);
}

// 0: the end.
Expected<std::size_t, ReadError> RangeReader::read_some(std::span<char> to) {
  if (const int* fd = std::get_if<int>(&source_)) {
    while (true) {
      const ReadResult got = cached_read(*fd, to, static_cast<off_t>(offset_));
      if (got.bytes >= 0) return static_cast<std::size_t>(got.bytes);
      if (got.error != EINTR) return failed_read(got.error);
    }
  }
  InputStream::Got got;
  if (auto* stream = std::get_if<InputStream>(&source_)) {
    got = stream->read(to.data(), to.size());
  } else {
    const DecodedStream::Got decoded = std::get<DecodedStream>(source_).read(to);
    if (decoded.wrong) return ReadError{.system = {{}, 0, name_}, .wrong = *decoded.wrong};
    got = decoded.read;
  }
  if (got.is_stopped) return failed_read(ECANCELED);
  if (got.error_number != 0) return failed_read(got.error_number);
  return got.bytes;
}

ReadError RangeReader::failed_read(int error_number) const {
  return {.system = {"read", error_number, name_}, .offset = offset_};
}

// Hands out the first `whole` bytes read and keeps the rest for the next chunk.
Expected<std::string_view, ReadError> RangeReader::deliver(ByteBuffer& buffer, std::size_t whole) {
  const std::string_view chunk(buffer.data(), whole);
  const std::size_t record = range_.find_long_record(chunk);
  if (record != std::string_view::npos) return refuse(buffer, record);
  carry_.assign(buffer.data() + whole, used_ - whole);
  return chunk;
}

// The record that begins there in the chunk is too long: hands out those in front of it, and then
// says so.
Expected<std::string_view, ReadError> RangeReader::refuse(ByteBuffer& buffer, std::size_t record) {
  done_ = true;
  is_refused_ = record > 0;
  used_ = record;
  if (is_refused_) return std::string_view(buffer.data(), record);
  return ReadError{
      .system = {{}, 0, name_}, .offset = chunk_offset_ + record, .refused_by = range_.max_record};
}

std::size_t RangeReader::piece_size() const {
  const std::uint64_t left = offset_ < range_.end ? range_.end - offset_ : kBeyondEndBytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, range_.piece_bytes));
}

// Drops what belongs to the record that began before the range and returns the rest of `fresh`,
// moved to the front of the buffer. When the range turns out to own nothing, done_ is set.
std::string_view RangeReader::skip_foreign_record(ByteBuffer& buffer, std::string_view fresh) {
  const std::size_t delimiter = range_.first_end(fresh);
  if (delimiter != std::string_view::npos) {
    skipping_ = false;
    fresh.remove_prefix(delimiter + 1);
  } else {
    fresh = {};
  }
  used_ = fresh.size();
  chunk_offset_ = offset_ - used_;
  done_ = chunk_offset_ >= range_.end;
  if (used_ > 0) std::memmove(buffer.data(), fresh.data(), used_);
  return {buffer.data(), used_};
}

// The delimiter in `fresh`, the bytes read last, behind which this chunk ends: the last one, or
// from the end of the range on the first whose next record starts there or later.
std::size_t RangeReader::find_cut(std::string_view fresh) const {
  if (range_.borders != nullptr) {
    if (offset_ >= range_.end) return fresh.size() - 1;
    return range_.borders->last_border(fresh) - 1;  // npos if there is none
  }
  if (offset_ < range_.end) return range_.last_end(fresh);
  const std::uint64_t fresh_begin = offset_ - fresh.size();
  const std::uint64_t last = range_.end - 1;
  const std::size_t from = last > fresh_begin ? static_cast<std::size_t>(last - fresh_begin) : 0;
  const std::size_t end = range_.first_end(fresh.substr(from));
  return end == std::string_view::npos ? end : from + end;
}

Expected<std::string_view, ReadError> RangeReader::next(ByteBuffer& buffer) {
  if (std::exchange(is_refused_, false)) {
    chunk_offset_ += used_;
    return refuse(buffer, 0);
  }
  used_ = carry_.size();
  record_ = 0;
  chunk_offset_ = offset_ - used_;
  if (done_) return std::string_view();
  buffer.reserve(used_ + range_.piece_bytes);
  std::memcpy(buffer.data(), carry_.data(), used_);
  while (true) {
    const std::size_t piece = piece_size();
    if (buffer.capacity() - used_ < piece) {
      // Twice the size, so that copying stays linear, and no more than a record may need.
      const std::size_t grown = std::min(2 * used_, range_.max_record.bytes);
      buffer.reserve(std::max(used_, grown) + piece, used_);
    }
    const auto got = read_some({buffer.data() + used_, piece});
    done_ = !got.ok() || *got == 0;
    if (!got.ok()) return got.error();
    const std::size_t bytes = *got;
    offset_ += bytes;
    if (bytes == 0) {
      if (offset_ < range_.least_size) {
        return ReadError{
            .system = {{}, 0, name_}, .offset = offset_, .least_size = range_.least_size};
      }
      return deliver(buffer, skipping_ ? 0 : used_);
    }
    std::string_view fresh(buffer.data() + used_, bytes);
    used_ += bytes;
    if (skipping_) {
      fresh = skip_foreign_record(buffer, fresh);
      if (done_) return std::string_view();
    }
    if (const std::size_t cut = find_cut(fresh); cut != std::string_view::npos) {
      done_ = offset_ >= range_.end;
      return deliver(buffer, used_ - fresh.size() + cut + 1);
    }
    if (const std::size_t last =
            range_.borders == nullptr ? range_.last_end(fresh) : std::string_view::npos;
        last != std::string_view::npos) {
      record_ = used_ - fresh.size() + last + 1;
    }
    if (used_ - record_ > range_.max_record.bytes) {
      // Unless one in front of it is, which npos is more than.
      const std::size_t earlier = range_.find_long_record({buffer.data(), record_});
      return refuse(buffer, std::min(earlier, record_));
    }
  }
}

}  // namespace gorun::jobs
