// jobs/hash/sha256_portable.cc - SHA-256 of one message in portable C++: for the last messages on
// a processor that has lanes but no SHA-NI, since OpenSSL cannot go on from a state.
#include <cstddef>
#include <cstdint>

#include "jobs/hash/one_lane.h"
#include "jobs/hash/sha256_rounds.h"

namespace gorun::jobs {
namespace {

struct Portable : OneLane {
  template <int kBits>
  static Reg shift_right(Reg r) {
    return r >> kBits;
  }
  static Reg xor3(Reg a, Reg b, Reg c) { return a ^ b ^ c; }
  static Reg choose(Reg a, Reg b, Reg c) { return c ^ (a & (b ^ c)); }
  static Reg majority(Reg a, Reg b, Reg c) { return (a & b) | (c & (a | b)); }
  static void load_words_be(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    const std::uint8_t* bytes = data[0] + offset;
    for (int i = 0; i < 16; ++i, bytes += 4) {
      w[i] = static_cast<Reg>(bytes[0]) << 24 | static_cast<Reg>(bytes[1]) << 16 |
             static_cast<Reg>(bytes[2]) << 8 | bytes[3];
    }
  }
};

}  // namespace

void sha256_compress_portable(Sha256Words* const* states, const std::uint8_t* const* data,
                              std::size_t blocks) {
  Sha256Rounds<Portable>::compress(states, data, blocks);
}

}  // namespace gorun::jobs
