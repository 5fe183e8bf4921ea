#include "jobs/compress/decoder.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <new>

namespace gorun::jobs {
namespace {

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() {
    constexpr int kGzipOnly = 16;
    if (::inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecoder() override { ::inflateEnd(&stream_); }

  Made decode(std::string_view* in, std::span<char> out, bool /*is_last*/) override {
    // What fills up a block of a tape behind the last member is no member.
    if (is_between_ && has_begun_) {
      in->remove_prefix(std::min(in->find_first_not_of('\0'), in->size()));
    }
    if (in->empty()) return {};
    if (is_between_ && has_begun_) ::inflateReset(&stream_);
    is_between_ = false;
    has_begun_ = true;
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const std::size_t given = std::min(in->size(), kMost);
    const std::size_t room = std::min(out.size(), kMost);
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in->data()));  // NOLINT
    stream_.avail_in = static_cast<uInt>(given);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    in->remove_prefix(given - stream_.avail_in);
    is_between_ = result == Z_STREAM_END;
    Made made{.bytes = room - stream_.avail_out, .wrong = std::nullopt};
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      made.wrong = stream_.msg == nullptr ? "no gzip data" : stream_.msg;
    }
    return made;
  }
  [[nodiscard]] bool may_end() const override { return is_between_ && has_begun_; }

 private:
  z_stream stream_{};
  bool is_between_ = true;  // two members
  bool has_begun_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : stream_(::ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdDecoder() override { ::ZSTD_freeDStream(stream_); }

  Made decode(std::string_view* in, std::span<char> out, bool /*is_last*/) override {
    // With nothing to do it would begin another frame.
    if (in->empty() && is_between_) return {};
    ZSTD_inBuffer from{in->data(), in->size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t left = ::ZSTD_decompressStream(stream_, &to, &from);
    in->remove_prefix(from.pos);
    if (::ZSTD_isError(left) != 0) return {.bytes = to.pos, .wrong = ::ZSTD_getErrorName(left)};
    is_between_ = left == 0;
    return {.bytes = to.pos, .wrong = std::nullopt};
  }
  [[nodiscard]] bool may_end() const override { return is_between_; }

 private:
  ZSTD_DStream* const stream_;
  bool is_between_ = false;  // two frames
};

class XzDecoder final : public Decoder {
 public:
  XzDecoder() {
    constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
    if (::lzma_stream_decoder(&stream_, kNoLimit, LZMA_CONCATENATED) != LZMA_OK) {
      throw std::bad_alloc();
    }
  }
  ~XzDecoder() override { ::lzma_end(&stream_); }

  Made decode(std::string_view* in, std::span<char> out, bool is_last) override {
    if (has_ended_) return {};
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in->data());
    stream_.avail_in = in->size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    const lzma_ret result = ::lzma_code(&stream_, is_last ? LZMA_FINISH : LZMA_RUN);
    in->remove_prefix(in->size() - stream_.avail_in);
    has_ended_ = result == LZMA_STREAM_END;
    Made made{.bytes = out.size() - stream_.avail_out, .wrong = std::nullopt};
    if (result == LZMA_FORMAT_ERROR) made.wrong = "no xz data";
    if (result == LZMA_DATA_ERROR) made.wrong = "corrupt xz data";
    if (result == LZMA_OPTIONS_ERROR) made.wrong = "xz data with unknown options";
    if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
    return made;
  }
  [[nodiscard]] bool may_end() const override { return has_ended_; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool has_ended_ = false;
};

}  // namespace

Compression compression_of(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::kGzip;
  if (path.ends_with(".zst")) return Compression::kZstd;
  return path.ends_with(".xz") ? Compression::kXz : Compression::kNone;
}

std::unique_ptr<Decoder> Decoder::make(Compression how) {
  if (how == Compression::kGzip) return std::make_unique<GzipDecoder>();
  if (how == Compression::kZstd) return std::make_unique<ZstdDecoder>();
  return std::make_unique<XzDecoder>();
}

}  // namespace gorun::jobs
