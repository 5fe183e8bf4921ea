#include "jobs/hash/digest.h"

#include <openssl/evp.h>
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // renames the update functions to those that choose SSE2 to AVX-512
#endif

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <utility>

#include "jobs/format/hex.h"
#include "jobs/hash/blake3.h"
#include "jobs/loaded_library.h"
#include "jobs/system_error.h"

namespace gorun::jobs {
namespace {

enum class Family : std::uint8_t { kEvp, kBlake3, kXxh3, kXxh128 };

struct AlgorithmRow {
  std::string_view name;
  std::size_t size;
  Family family;
  const char* evp_name;  // nullptr: not OpenSSL's
};

// Row i describes the algorithm with value i.
constexpr std::array<AlgorithmRow, 7> kRows = {{
    {"sha256", 32, Family::kEvp, "SHA256"},
    {"sha512", 64, Family::kEvp, "SHA512"},
    {"sha1", 20, Family::kEvp, "SHA1"},
    {"md5", 16, Family::kEvp, "MD5"},
    {"blake3", 32, Family::kBlake3, nullptr},
    {"xxh3-64", 8, Family::kXxh3, nullptr},
    {"xxh3-128", 16, Family::kXxh128, nullptr},
}};

constexpr const char* kCryptoName = "libcrypto.so.3";

// The functions of OpenSSL, which is loaded by the first digest that needs it.
struct CryptoLibrary {
  decltype(&::EVP_MD_fetch) md_fetch = nullptr;
  decltype(&::EVP_MD_CTX_new) context_new = nullptr;
  decltype(&::EVP_MD_CTX_free) context_free = nullptr;
  decltype(&::EVP_DigestInit_ex2) digest_init = nullptr;
  decltype(&::EVP_DigestUpdate) digest_update = nullptr;
  decltype(&::EVP_DigestFinal_ex) digest_final = nullptr;

  CryptoLibrary() {
    LoadedLibrary library(kCryptoName);
    library.find("EVP_MD_fetch", &md_fetch);
    library.find("EVP_MD_CTX_new", &context_new);
    library.find("EVP_MD_CTX_free", &context_free);
    library.find("EVP_DigestInit_ex2", &digest_init);
    library.find("EVP_DigestUpdate", &digest_update);
    library.find("EVP_DigestFinal_ex", &digest_final);
    if (!library.is_whole()) {
      throw std::runtime_error(SystemError{"load", ELIBACC, kCryptoName}.message());
    }
  }
};

const CryptoLibrary& crypto() {
  static const CryptoLibrary once;
  return once;
}

constexpr std::array<Algorithm, kRows.size()> kAll = {
    Algorithm::kSha256, Algorithm::kSha512, Algorithm::kSha1,  Algorithm::kMd5,
    Algorithm::kBlake3, Algorithm::kXxh3,   Algorithm::kXxh128};

const AlgorithmRow& row(Algorithm algorithm) { return kRows[static_cast<std::size_t>(algorithm)]; }

// One method per algorithm for the life of the process: never freed, so that no static has a
// destructor that could run under a hashing thread. nullptr where OpenSSL offers none.
const EVP_MD* evp_method(Algorithm algorithm) {
  static const auto methods = [] {
    std::array<const EVP_MD*, kRows.size()> fetched{};
    for (std::size_t i = 0; i < kRows.size(); ++i) {
      if (kRows[i].family == Family::kEvp) {
        fetched[i] = crypto().md_fetch(nullptr, kRows[i].evp_name, nullptr);
      }
    }
    return fetched;
  }();
  return methods[static_cast<std::size_t>(algorithm)];
}

void check_evp(int status, Algorithm algorithm) {
  if (status != 1) {
    throw std::runtime_error("OpenSSL does not compute " + std::string(row(algorithm).name));
  }
}

}  // namespace

std::span<const Algorithm> all_algorithms() { return kAll; }

std::string_view algorithm_name(Algorithm algorithm) { return row(algorithm).name; }

std::optional<Algorithm> find_algorithm(std::string_view name) {
  for (const Algorithm algorithm : kAll) {
    if (row(algorithm).name == name) return algorithm;
  }
  return std::nullopt;
}

std::size_t digest_size(Algorithm algorithm) { return row(algorithm).size; }

std::string Digest::hex() const {
  const std::size_t size = digest_size(algorithm);
  std::string text(2 * size, '0');
  for (std::size_t i = 0; i < size; ++i) {
    text[2 * i] = kHexDigits[bytes[i] >> 4];
    text[2 * i + 1] = kHexDigits[bytes[i] & 0xf];
  }
  return text;
}

// The running state of one algorithm: one of the three pointers.
class DigestPass::State {
 public:
  explicit State(Algorithm algorithm) : algorithm_(algorithm) {
    if (row(algorithm).family == Family::kEvp) {
      evp_.reset(crypto().context_new());
      if (!evp_) throw std::bad_alloc();
      const EVP_MD* method = evp_method(algorithm);
      if (method == nullptr) check_evp(0, algorithm);
      check_evp(crypto().digest_init(evp_.get(), method, nullptr), algorithm);
    } else if (row(algorithm).family == Family::kBlake3) {
      blake3_ = std::make_unique<Blake3>();
    } else {
      xxh_.reset(XXH3_createState());
      if (!xxh_) throw std::bad_alloc();
      reset();
    }
  }

  void update(std::string_view bytes) {
    // The status is XXH_ERROR only for a null input, which a string_view of size 0 may hold.
    if (bytes.empty()) return;
    switch (row(algorithm_).family) {
      case Family::kEvp:
        check_evp(crypto().digest_update(evp_.get(), bytes.data(), bytes.size()), algorithm_);
        break;
      case Family::kBlake3:
        blake3_->update({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
        break;
      case Family::kXxh3:
        XXH3_64bits_update(xxh_.get(), bytes.data(), bytes.size());
        break;
      case Family::kXxh128:
        XXH3_128bits_update(xxh_.get(), bytes.data(), bytes.size());
        break;
    }
  }

  Digest finish() {
    Digest digest;
    digest.algorithm = algorithm_;
    switch (row(algorithm_).family) {
      case Family::kEvp:
        check_evp(crypto().digest_final(evp_.get(), digest.bytes.data(), nullptr), algorithm_);
        break;
      case Family::kBlake3: {
        const Blake3Value value = blake3_->finish();
        std::copy(value.begin(), value.end(), digest.bytes.begin());
        break;
      }
      case Family::kXxh3: {
        XXH64_canonical_t canonical;
        XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(xxh_.get()));
        std::copy(std::begin(canonical.digest), std::end(canonical.digest), digest.bytes.begin());
        break;
      }
      case Family::kXxh128: {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(xxh_.get()));
        std::copy(std::begin(canonical.digest), std::end(canonical.digest), digest.bytes.begin());
        break;
      }
    }
    reset();
    return digest;
  }

  void reset() {
    switch (row(algorithm_).family) {
      case Family::kEvp:  // no method: the context keeps its own
        check_evp(crypto().digest_init(evp_.get(), nullptr, nullptr), algorithm_);
        break;
      case Family::kBlake3:
        blake3_->reset();
        break;
      case Family::kXxh3:
        XXH3_64bits_reset(xxh_.get());
        break;
      case Family::kXxh128:
        XXH3_128bits_reset(xxh_.get());
        break;
    }
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { crypto().context_free(context); }
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  Algorithm algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> evp_;
  std::unique_ptr<XXH3_state_t, Free> xxh_;
  std::unique_ptr<Blake3> blake3_;
};

DigestPass::DigestPass(std::span<const Algorithm> algorithms) {
  states_.reserve(algorithms.size());
  for (const Algorithm algorithm : algorithms) {
    states_.push_back(std::make_unique<State>(algorithm));
  }
}

DigestPass::~DigestPass() = default;
DigestPass::DigestPass(DigestPass&&) noexcept = default;
DigestPass& DigestPass::operator=(DigestPass&&) noexcept = default;

void DigestPass::update(std::string_view bytes) {
  for (const auto& state : states_) state->update(bytes);
}

std::vector<Digest> DigestPass::finish() {
  std::vector<Digest> digests;
  digests.reserve(states_.size());
  for (const auto& state : states_) digests.push_back(state->finish());
  return digests;
}

void DigestPass::reset() {
  for (const auto& state : states_) state->reset();
}

Digest digest_of(Algorithm algorithm, std::string_view bytes) {
  DigestPass pass(std::span<const Algorithm>(&algorithm, 1));
  pass.update(bytes);
  return pass.finish().front();
}

}  // namespace gorun::jobs
