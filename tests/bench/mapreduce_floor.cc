// tests/bench/mapreduce_floor.cc - what counting, grouping and searching cost here without gorun
// around them, for bench_mapreduce.py.
//
//   mapreduce_floor reading DIR   reads every file below, on all cores, and looks at nothing
//   mapreduce_floor words DIR     the 20 most frequent words, as `gorun count --top 20` prints them
//   mapreduce_floor json DIR      the sum of "bytes" of JSON lines for each "status"
//   mapreduce_floor lines DIR LITERAL   how many lines the literal is in
//   mapreduce_floor mapping DIR LITERAL   the same, without a copy: the files are mapped
//   mapreduce_floor copying FILE  reads the file into memory in huge pages and writes it to
//   standard
//                                 output from there: what any sort in memory does
//
// A thread a processor takes ranges of 4 MiB and reads them in pieces of 256 KiB, which stay in the
// second-level cache. Words are found in the bits of vector comparisons, hashed 256 at a time,
// their slots fetched ahead, and counted in a table of the thread's own; JSON is simdjson's. No
// goroutine, no channel, no batch of items, one kind of record, one aggregate, memory without a
// limit: what is left is what any program has to do. It is written for that alone and shares with
// gorun the vector comparisons, the search for a literal, and the memory in huge pages, not its
// tables.

#include <fcntl.h>
#include <simdjson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jobs/large_memory.h"
#include "jobs/text/byte_buffer.h"
#include "jobs/text/byte_class.h"
#include "jobs/text/literal_search.h"
#include "tests/bench/all_cores.h"

namespace {

namespace fs = std::filesystem;
using gorun::bench::on_all_cores;
using gorun::jobs::kBlockBytes;

constexpr off_t kRangeBytes = off_t{4} << 20;
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::size_t kSlackBytes = 256;  // readable behind a piece: for vectors, and for simdjson
constexpr std::size_t kTop = 20;

void require(bool is_right, const std::string& what) {
  if (is_right) return;
  std::fprintf(stderr, "mapreduce_floor: %s\n", what.c_str());
  std::exit(1);
}

// Of a file: the lines that begin in it.
struct Range {
  int fd;
  off_t begin;
  off_t end;
};

std::vector<Range> ranges_below(const std::string& root) {
  std::vector<Range> ranges;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    require(fd >= 0, entry.path().string() + ": cannot be opened");
    const auto size = static_cast<off_t>(entry.file_size());
    for (off_t at = 0; at < size; at += kRangeBytes) {
      ranges.push_back({fd, at, std::min(at + kRangeBytes, size)});
    }
  }
  return ranges;
}

// Reads ranges in pieces of whole lines. A line is to be shorter than a piece.
class Reader {
 public:
  /// take  is called with each piece; kSlackBytes behind it can be read.
  template <class F>
  void read(const Range& range, F take) {
    // From the byte before: a line that begins right here ends one there.
    off_t at = std::max<off_t>(range.begin - 1, 0);
    bool is_first = range.begin > 0;
    std::size_t held = 0;
    for (bool is_last = false; !is_last;) {
      const ssize_t got = ::pread(range.fd, begin_ + held, kPieceBytes, at);
      require(got >= 0, "cannot read");
      at += got;
      const std::string_view text(begin_, held + static_cast<std::size_t>(got));
      std::size_t end = text.rfind('\n') + 1;
      if (got == 0) {
        is_last = true;
        end = text.size();
      } else if (at >= range.end) {
        const auto beyond = static_cast<std::size_t>(at - (range.end - 1));
        const std::size_t found = text.find('\n', text.size() - std::min(beyond, text.size()));
        is_last = found != std::string_view::npos;
        if (is_last) end = found + 1;
      }
      require(is_last || end > 0, "a line is longer than a piece");
      std::size_t begin = 0;
      if (is_first) {
        begin = std::min(text.find('\n'), end - 1) + 1;
        is_first = false;
      }
      take(text.substr(begin, end - begin));
      held = text.size() - end;
      if (!is_last) std::memmove(begin_, begin_ + end, held);
    }
  }

 private:
  gorun::jobs::ByteBuffer buffer_{2 * kPieceBytes + kSlackBytes};
  char* const begin_ = buffer_.data();
};

// Counts words of one thread.
class WordTable {
 public:
  WordTable() { std::memset(static_cast<void*>(slots_.get()), 0, kSlots * sizeof(Slot)); }

  void count_in(std::string_view text) {
    std::array<std::uint64_t, kWindow> masks;
    const char* open = nullptr;  // where the word begins that is not over
    std::uint64_t previous = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t blocks =
          std::min(kWindow, (text.size() - at + kBlockBytes - 1) / kBlockBytes);
      gorun::jobs::class_masks({.kind = gorun::jobs::ByteClass::Kind::kSpace}, text.data() + at,
                               blocks, masks.data());
      for (std::size_t b = 0; b < blocks; ++b, at += kBlockBytes) {
        std::uint64_t letters = ~masks[b];
        if (const std::size_t left = text.size() - at; left < kBlockBytes) {
          letters &= (std::uint64_t{1} << left) - 1;
        }
        std::uint64_t edges = letters ^ (letters << 1 | previous);
        previous = letters >> 63;
        const char* const block = text.data() + at;
        if (open != nullptr && edges != 0) {
          add(open, block + take_lowest(&edges));
          open = nullptr;
        }
        while (edges != 0) {
          const char* const begin = block + take_lowest(&edges);
          if (edges == 0) {
            open = begin;
          } else {
            add(begin, block + take_lowest(&edges));
          }
        }
      }
    }
    if (open != nullptr) add(open, text.data() + text.size());
    look_up();
  }

  template <class F>
  void for_each(F take) const {
    for (std::size_t i = 0; i < kSlots; ++i) {
      const Slot& slot = slots_[i];
      if (slot.length > 0)
        take({reinterpret_cast<const char*>(slot.bytes), slot.length}, slot.count);
    }
    for (const auto& [word, count] : long_ones_) take(word, count);
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 19;  // fits 200,000 words well
  static constexpr std::size_t kWindow = 64;                   // blocks
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kShort = 16;

  struct Slot {
    std::uint64_t bytes[2];
    std::uint64_t length;  // 0: free
    std::int64_t count;
  };
  struct Probe {
    std::uint64_t hash;
    std::uint64_t bytes[2];
    std::uint64_t length;
  };

  static unsigned take_lowest(std::uint64_t* bits) {
    const auto lowest = static_cast<unsigned>(std::countr_zero(*bits));
    *bits &= *bits - 1;
    return lowest;
  }

  void add(const char* begin, const char* end) {
    static constexpr std::array<std::uint64_t, 5> kMasks = {~std::uint64_t{0}, ~std::uint64_t{0}, 0,
                                                            0, 0};
    const auto length = static_cast<std::size_t>(end - begin);
    if (length > kShort) {
      ++long_ones_[std::string(begin, length)];
      return;
    }
    // All 16 bytes are loaded, and what is too much is masked away: no branch on the length.
    Probe& probe = probes_[probe_count_++];
    std::array<std::uint64_t, 2> mask;
    std::memcpy(probe.bytes, begin, kShort);
    std::memcpy(mask.data(), reinterpret_cast<const char*>(kMasks.data()) + kShort - length,
                kShort);
    probe.bytes[0] &= mask[0];
    probe.bytes[1] &= mask[1];
    probe.length = length;
    __extension__ using Wide = unsigned __int128;
    const Wide product =
        Wide{probe.bytes[0] ^ 0x243f6a8885a308d3} * (probe.bytes[1] ^ 0x13198a2e03707345);
    probe.hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    __builtin_prefetch(&slots_[probe.hash % kSlots], 1);
    if (probe_count_ == kBatch) look_up();
  }

  void look_up() {
    const std::size_t probes = std::exchange(probe_count_, 0);
    for (std::size_t i = 0; i < probes; ++i) {
      const Probe& probe = probes_[i];
      for (std::size_t at = probe.hash % kSlots;; at = (at + 1) % kSlots) {
        Slot& slot = slots_[at];
        if (slot.bytes[0] == probe.bytes[0] && slot.bytes[1] == probe.bytes[1] &&
            slot.length == probe.length) {
          ++slot.count;
          break;
        }
        if (slot.length > 0) continue;
        require(++used_ < kSlots / 2, "more different words than the table is for");
        slot = {{probe.bytes[0], probe.bytes[1]}, probe.length, 1};
        break;
      }
    }
  }

  gorun::jobs::LargeArray<Slot> slots_ = gorun::jobs::make_large_array<Slot>(kSlots);
  std::size_t used_ = 0;
  std::array<Probe, kBatch> probes_;
  std::size_t probe_count_ = 0;
  std::unordered_map<std::string, std::int64_t> long_ones_;
};

void read_all(const std::vector<Range>& ranges) {
  std::atomic<std::size_t> next{0};
  on_all_cores([&] {
    gorun::jobs::ByteBuffer buffer(kPieceBytes);
    for (std::size_t i = next++; i < ranges.size(); i = next++) {
      const Range& range = ranges[i];
      for (off_t at = range.begin; at < range.end;) {
        const ssize_t got = ::pread(range.fd, buffer.data(), kPieceBytes, at);
        require(got > 0, "cannot read");
        at += got;
      }
    }
  });
}

void count_words(const std::vector<Range>& ranges) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards sums
  std::unordered_map<std::string, std::int64_t> sums;
  on_all_cores([&] {
    Reader reader;
    WordTable table;
    for (std::size_t i = next++; i < ranges.size(); i = next++) {
      reader.read(ranges[i], [&](std::string_view text) { table.count_in(text); });
    }
    const std::lock_guard hold(mutex);
    table.for_each(
        [&](std::string_view word, std::int64_t count) { sums[std::string(word)] += count; });
  });
  std::vector<std::pair<std::int64_t, std::string_view>> all;
  for (const auto& [word, count] : sums) all.emplace_back(-count, word);
  const std::size_t shown = std::min(kTop, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), all.end());
  for (const auto& [count, word] : std::span(all).first(shown)) {
    std::printf("%.*s\t%lld\n", static_cast<int>(word.size()), word.data(),
                static_cast<long long>(-count));
  }
}

void group_json(const std::vector<Range>& ranges) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards sums
  std::map<std::int64_t, std::int64_t> sums;
  on_all_cores([&] {
    Reader reader;
    simdjson::ondemand::parser parser;
    parser.threaded = false;  // each would start one more
    std::array<std::int64_t, 1000> mine{};
    for (std::size_t i = next++; i < ranges.size(); i = next++) {
      reader.read(ranges[i], [&](std::string_view text) {
        simdjson::ondemand::document_stream documents;
        require(parser.iterate_many(text.data(), text.size(), 2 * kPieceBytes).get(documents) ==
                    simdjson::SUCCESS,
                "no JSON lines");
        for (auto document : documents) {
          std::uint64_t status = 0;
          std::int64_t bytes = 0;
          require(document["status"].get(status) == simdjson::SUCCESS && status < mine.size() &&
                      document["bytes"].get(bytes) == simdjson::SUCCESS,
                  "a line without a status below 1000 or without bytes");
          mine[status] += bytes;
        }
      });
    }
    const std::lock_guard hold(mutex);
    for (std::size_t status = 0; status < mine.size(); ++status) {
      if (mine[status] != 0) sums[static_cast<std::int64_t>(status)] += mine[status];
    }
  });
  for (const auto& [status, bytes] : sums) {
    std::printf("%lld\t%lld\n", static_cast<long long>(status), static_cast<long long>(bytes));
  }
}

void count_lines_with(const std::vector<Range>& ranges, const std::string& literal) {
  const gorun::jobs::LiteralSearch search(literal);
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> sum{0};
  on_all_cores([&] {
    Reader reader;
    std::uint64_t mine = 0;
    for (std::size_t i = next++; i < ranges.size(); i = next++) {
      reader.read(ranges[i], [&](std::string_view text) {
        mine += gorun::jobs::LiteralScan(search, text).count_lines();
      });
    }
    sum += mine;
  });
  std::printf("%llu\n", static_cast<unsigned long long>(sum.load()));
}

// A range at a time, so that little is mapped at once. A line is to be shorter than a piece.
std::uint64_t count_lines_mapped(const Range& range, const gorun::jobs::LiteralSearch& search) {
  struct stat status = {};
  require(::fstat(range.fd, &status) == 0, "cannot look at a file");
  const off_t begin = std::max<off_t>(range.begin - 1, 0);
  const off_t mapped = begin - begin % ::getpagesize();
  const off_t end = std::min(status.st_size, range.end + static_cast<off_t>(kPieceBytes));
  const auto bytes = static_cast<std::size_t>(end - mapped);
  void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, range.fd, mapped);
  require(memory != MAP_FAILED, "cannot map");
  std::string_view text(static_cast<const char*>(memory), bytes);
  if (range.end < status.st_size) {
    text = text.substr(0, text.find('\n', static_cast<std::size_t>(range.end - 1 - mapped)) + 1);
  }
  text.remove_prefix(static_cast<std::size_t>(begin - mapped));
  if (range.begin > 0) text.remove_prefix(text.find('\n') + 1);
  const std::uint64_t lines = gorun::jobs::LiteralScan(search, text).count_lines();
  ::munmap(memory, bytes);
  return lines;
}

void count_lines_mapped(const std::vector<Range>& ranges, const std::string& literal) {
  const gorun::jobs::LiteralSearch search(literal);
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> sum{0};
  on_all_cores([&] {
    std::uint64_t mine = 0;
    for (std::size_t i = next++; i < ranges.size(); i = next++) {
      mine += count_lines_mapped(ranges[i], search);
    }
    sum += mine;
  });
  std::printf("%llu\n", static_cast<unsigned long long>(sum.load()));
}

// In pieces that stay in the second-level cache.
void copy_through_memory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(fd >= 0, path + ": cannot be opened");
  const auto size = static_cast<std::size_t>(fs::file_size(path));
  const auto memory = gorun::jobs::make_large_array<char>(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::read(fd, memory.get() + at, std::min(kPieceBytes, size - at));
    require(got > 0, "cannot read");
    at += static_cast<std::size_t>(got);
  }
  for (std::size_t at = 0; at < size;) {
    const ssize_t put = ::write(STDOUT_FILENO, memory.get() + at, std::min(kPieceBytes, size - at));
    require(put > 0, "cannot write");
    at += static_cast<std::size_t>(put);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc >= 3 ? argv[1] : "";
  if (mode == "lines" && argc == 4) {
    count_lines_with(ranges_below(argv[2]), argv[3]);
  } else if (mode == "mapping" && argc == 4) {
    count_lines_mapped(ranges_below(argv[2]), argv[3]);
  } else if (argc != 3) {
    std::fputs(
        "usage: mapreduce_floor reading|words|json DIR, lines|mapping DIR LITERAL, or copying "
        "FILE\n",
        stderr);
    return 2;
  } else if (mode == "reading") {
    read_all(ranges_below(argv[2]));
  } else if (mode == "words") {
    count_words(ranges_below(argv[2]));
  } else if (mode == "copying") {
    copy_through_memory(argv[2]);
  } else if (mode == "json") {
    group_json(ranges_below(argv[2]));
  } else {
    std::fprintf(stderr, "mapreduce_floor: no mode %s\n", argv[1]);
    return 2;
  }
}
