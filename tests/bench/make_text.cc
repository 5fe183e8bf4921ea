// tests/bench/make_text.cc - the corpora of bench_mapreduce.py.
//
//   gorun_make_text FOLDER MIB
//
//   words/0.txt ... 9.txt    MIB in all: words with Zipf's frequencies (s = 1), 200,000 different
//                            ones, 6 to 15 a line; one line in 10,000 holds "quartzite"
//   json/0.jsonl ... 9.jsonl MIB in all: requests with time, user, status, bytes and path
//   lines.txt                MIB of lines of 100 bytes with random keys
//
// The same bytes in every run. A folder that is there already is left as it is.

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kWords = 200'000;
constexpr int kFiles = 10;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

// splitmix64: small, and good enough for texts.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

 private:
  std::uint64_t state_;
};

// Draws a word's rank in constant time (Walker's aliases).
class Zipf {
 public:
  Zipf() : limit_(kWords), alias_(kWords) {
    std::vector<double> share(kWords);
    double all = 0;
    for (std::size_t i = 0; i < kWords; ++i) all += 1.0 / static_cast<double>(i + 1);
    std::vector<std::size_t> small;
    std::vector<std::size_t> large;
    for (std::size_t i = 0; i < kWords; ++i) {
      share[i] = static_cast<double>(kWords) / static_cast<double>(i + 1) / all;
      (share[i] < 1 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const std::size_t less = small.back();
      const std::size_t more = large.back();
      small.pop_back();
      limit_[less] = share[less];
      alias_[less] = more;
      share[more] -= 1 - share[less];
      if (share[more] >= 1) continue;
      large.pop_back();
      small.push_back(more);
    }
    for (const std::size_t i : small) limit_[i] = 1;
    for (const std::size_t i : large) limit_[i] = 1;
  }
  std::size_t draw(Random& random) const {
    const std::size_t slot = random.below(kWords);
    const double coin = static_cast<double>(random.next() >> 11) * 0x1p-53;
    return coin < limit_[slot] ? slot : alias_[slot];
  }

 private:
  std::vector<double> limit_;
  std::vector<std::size_t> alias_;
};

std::vector<std::string> make_words(Random& random) {
  constexpr std::string_view kLetters = "eeeetttaaooiinnsshhrrdlucmfwypvbgkjqxz";
  std::vector<std::string> words(kWords);
  for (std::size_t i = 0; i < kWords; ++i) {
    // Frequent words are short.
    const auto length = 2 + static_cast<std::size_t>(std::log2(static_cast<double>(i) + 2) * 0.4);
    for (std::size_t k = random.below(3); k < length; ++k) {
      words[i] += kLetters[random.below(kLetters.size())];
    }
    // The rank in letters makes all of them different.
    for (std::size_t rest = i;; rest /= 26) {
      words[i] += static_cast<char>('a' + rest % 26);
      if (rest < 26) break;
    }
  }
  return words;
}

void write_file(const std::string& path, std::uint64_t bytes,
                const std::function<void(std::string*)>& append) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    std::perror(path.c_str());
    std::exit(1);
  }
  std::string buffer;
  for (std::uint64_t written = 0; written < bytes;) {
    append(&buffer);
    if (buffer.size() < kBufferBytes && written + buffer.size() < bytes) continue;
    if (std::fwrite(buffer.data(), 1, buffer.size(), file) != buffer.size()) {
      std::perror(path.c_str());
      std::exit(1);
    }
    written += buffer.size();
    buffer.clear();
  }
  if (std::fclose(file) != 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
}

bool make_folder(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0; }

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t bytes = argc == 3 ? std::strtoull(argv[2], nullptr, 10) << 20 : 0;
  if (bytes == 0) {
    std::fprintf(stderr, "usage: gorun_make_text FOLDER MIB\n");
    return 2;
  }
  const std::string folder = argv[1];
  Random random(1);
  const Zipf zipf;
  const std::vector<std::string> words = make_words(random);
  const auto word = [&]() -> const std::string& { return words[zipf.draw(random)]; };
  if (make_folder(folder + "/words")) {
    for (int i = 0; i < kFiles; ++i) {
      write_file(folder + "/words/" + std::to_string(i) + ".txt", bytes / kFiles,
                 [&](std::string* out) {
                   for (std::size_t n = 6 + random.below(10); n > 0; --n) {
                     *out += random.below(100'000) == 0 ? "quartzite" : word();
                     *out += n > 1 ? ' ' : '\n';
                   }
                 });
    }
  }
  if (make_folder(folder + "/json")) {
    constexpr int kStatuses[] = {200, 200, 200, 200, 200, 301, 304, 404, 500, 503};
    std::uint64_t time = 1'700'000'000'000;
    for (int i = 0; i < kFiles; ++i) {
      write_file(folder + "/json/" + std::to_string(i) + ".jsonl", bytes / kFiles,
                 [&](std::string* out) {
                   time += random.below(50);
                   *out += "{\"ts\":" + std::to_string(time) + ",\"user\":\"u" +
                           std::to_string(random.below(100'000)) + "\",\"status\":" +
                           std::to_string(kStatuses[random.below(std::size(kStatuses))]) +
                           ",\"bytes\":" + std::to_string(random.below(100'000)) + ",\"path\":\"/" +
                           word() + "/" + word() + ".html\"}\n";
                 });
    }
  }
  struct stat status = {};
  if (::stat((folder + "/lines.txt").c_str(), &status) != 0) {
    write_file(folder + "/lines.txt", bytes, [&](std::string* out) {
      for (int i = 0; i < 20; ++i) *out += static_cast<char>('!' + random.below(94));
      out->append(79, static_cast<char>('A' + random.below(26)));
      *out += '\n';
    });
  }
  return 0;
}
