// tests/bench/hash_floor.cc - what no hasher can beat on this machine, for bench_hash.py.
//
//   hash_floor reading DIR   opens, reads and closes every file below, on all cores; hashes nothing
//   hash_floor sha256 DIR    hashes as many bytes as lie below in one stream, out of the cache of
//   one
//                            core: a single file cannot be done sooner, whoever reads it
//   hash_floor blake3 DIR    the same as a tree, on all cores
//
// They say nothing: the time they take is the figure.
//
//   hash_floor copy FILE     reads it to places 0 to 64 bytes behind the border of a page, and
//   prints
//                            GB/s (jobs/text/byte_buffer.h says why)

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/hash/blake3.h"
#include "jobs/hash/digest.h"
#include "tests/bench/all_cores.h"
#include "tests/bench/stopwatch.h"

namespace {

namespace fs = std::filesystem;
using gorun::bench::on_all_cores;

// Stays in the second-level cache.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
// Larger files are read by all cores.
constexpr off_t kLargeBytes = off_t{4} << 20;

void require(bool is_right, const std::string& what) {
  if (is_right) return;
  std::perror(what.c_str());
  std::exit(1);
}

class Reading {
 public:
  explicit Reading(std::string root) { directories_.push_back(std::move(root)); }

  void run() {
    on_all_cores([this] { read_small(); });
    for (const std::string& path : large_) {
      const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      require(fd >= 0, path);
      std::atomic<std::size_t> next{0};
      on_all_cores([fd, &next] {
        std::vector<char> buffer(kPieceBytes);
        while (::pread(fd, buffer.data(), buffer.size(),
                       static_cast<off_t>(next.fetch_add(1) * kPieceBytes)) > 0) {
        }
      });
      ::close(fd);
    }
  }

 private:
  void read_small() {
    std::vector<char> buffer(kPieceBytes);
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return !directories_.empty() || busy_ == 0; });
      if (directories_.empty()) break;
      const std::string directory = std::move(directories_.back());
      directories_.pop_back();
      ++busy_;
      lock.unlock();
      read_directory(directory, buffer);
      lock.lock();
      --busy_;
      changed_.notify_all();
    }
  }

  void read_directory(const std::string& path, std::vector<char>& buffer) {
    DIR* const directory = ::opendir(path.c_str());
    require(directory != nullptr, path);
    // The stream is this thread's own. NOLINTNEXTLINE(concurrency-mt-unsafe)
    while (const dirent* entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (entry->d_type == DT_DIR) {
        const std::lock_guard hold(mutex_);
        directories_.push_back(path + "/" + std::string(name));
        changed_.notify_one();
      } else if (entry->d_type == DT_REG) {
        read_file(::dirfd(directory), path, entry->d_name, buffer);
      }
    }
    ::closedir(directory);
  }

  void read_file(int dirfd, const std::string& path, const char* name, std::vector<char>& buffer) {
    const int fd = ::openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    require(fd >= 0, path + "/" + name);
    struct stat seen = {};
    require(::fstat(fd, &seen) == 0, path + "/" + name);
    if (seen.st_size >= kLargeBytes) {
      const std::lock_guard hold(mutex_);
      large_.push_back(path + "/" + name);
    } else {
      for (off_t left = seen.st_size; left > 0;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got <= 0) break;
        left -= got;
      }
    }
    ::close(fd);
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::string> directories_;
  std::vector<std::string> large_;
  int busy_ = 0;
};

std::uint64_t bytes_below(const std::string& root) {
  std::uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && !entry.is_symlink()) bytes += entry.file_size();
  }
  return bytes;
}

void hash_one_stream(std::uint64_t bytes) {
  const std::string piece(kPieceBytes, 'x');
  const auto algorithm = gorun::jobs::Algorithm::kSha256;
  gorun::jobs::DigestPass pass({&algorithm, 1});
  for (std::uint64_t done = 0; done < bytes; done += kPieceBytes) pass.update(piece);
  require(pass.finish().size() == 1, "sha256");
}

void hash_tree(std::uint64_t bytes) {
  std::atomic<std::uint64_t> next{0};
  std::atomic<unsigned> sum{0};
  on_all_cores([&] {
    const std::vector<std::uint8_t> piece(kPieceBytes, 'x');
    constexpr std::uint64_t kChunks = kPieceBytes / gorun::jobs::kBlake3ChunkBytes;
    for (std::uint64_t i = next++; i * kPieceBytes < bytes; i = next++) {
      sum += gorun::jobs::blake3_subtree(piece, i * kChunks)[0];
    }
  });
  require(bytes == 0 || sum > 0, "blake3");
}

void copy_to_each_place(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(fd >= 0, path);
  constexpr std::size_t kPageBytes = 4096;
  constexpr std::size_t kPlaces[] = {0, 1, 16, 31, 32, 64};
  std::vector<char> memory(kPieceBytes + 2 * kPageBytes);
  char* const page =
      memory.data() + kPageBytes - reinterpret_cast<std::uintptr_t>(memory.data()) % kPageBytes;
  for (int round = 0; round < 2; ++round) {  // the first one warms the cache
    for (const std::size_t place : kPlaces) {
      const gorun::bench::Stopwatch time;
      off_t at = 0;
      for (ssize_t got = 0; (got = ::pread(fd, page + place, kPieceBytes, at)) > 0;) at += got;
      if (round == 1) {
        std::printf("%2zu bytes behind: %5.2f GB/s\n", place, static_cast<double>(at) / time.ns());
      }
    }
  }
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (mode == "reading") {
    Reading(argv[2]).run();
  } else if (mode == "sha256") {
    hash_one_stream(bytes_below(argv[2]));
  } else if (mode == "blake3") {
    hash_tree(bytes_below(argv[2]));
  } else if (mode == "copy") {
    copy_to_each_place(argv[2]);
  } else {
    std::fputs("usage: hash_floor reading|sha256|blake3|copy PATH\n", stderr);
    return 2;
  }
}
