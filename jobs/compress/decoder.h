// jobs/compress/decoder.h - compressed bytes in, plain bytes out, piece by piece.
//
// Files that are several compressed ones, one behind the other, decode to all of them, as for
// zcat, zstdcat and xzcat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gorun::jobs {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd, kXz };

/// By the end of the name: ".gz", ".zst", ".xz".
[[nodiscard]] Compression compression_of(std::string_view path);

/// threads  one at a time. Never blocks.
class Decoder {
 public:
  /// errors  std::bad_alloc.
  [[nodiscard]] static std::unique_ptr<Decoder> make(Compression how);  // not kNone
  virtual ~Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  struct Made {
    std::size_t bytes = 0;             // written to the front of `out`
    std::optional<std::string> wrong;  // why the input cannot be decoded
  };
  /// Takes bytes off the front of `in` and fills `out`, until either is used up.
  /// is_last  `in` is all that is left of the file.
  virtual Made decode(std::string_view* in, std::span<char> out, bool is_last) = 0;

  /// True if the file may end here; else it is cut off.
  [[nodiscard]] virtual bool may_end() const = 0;

 protected:
  Decoder() = default;
};

}  // namespace gorun::jobs
