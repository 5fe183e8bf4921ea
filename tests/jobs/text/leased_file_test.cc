// tests/jobs/text/leased_file_test.cc - lines that stay where the kernel keeps them, whoever
// writes.
#include "jobs/text/leased_file.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/runtime.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::leased_file_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

namespace {

std::string numbered_lines(std::size_t bytes) {
  std::mt19937 random(3);
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) {
    text += std::to_string(i) + std::string(random() % 200, 'x') + '\n';
  }
  return text;
}

// nullptr on file systems that are not known, and by kernels that do not say what is cached.
std::shared_ptr<LeasedFile> open_leased(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  auto file = LeasedFile::open(&fd, path);
  CHECK(fd.is_open() == (file == nullptr));
  return file;
}

std::vector<BlockRef> all_blocks(LeasedFile& file) {
  std::vector<BlockRef> blocks;
  while (BlockRef block = file.next()) blocks.push_back(std::move(block));
  return blocks;
}

std::string joined(const std::vector<BlockRef>& blocks) {
  std::string all;
  for (const BlockRef& block : blocks) all.append(block->data(), block->used());
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/text/leased_file");

TEST_CASE("blocks are the file's whole lines, up to where it is to be read") {
  const ScratchDir dir;
  const std::string text = numbered_lines(std::size_t{5} << 20) + "no line feed";
  const std::string path = dir.write("text", text);
  std::string shown;
  std::size_t offset = 0;
  bool is_leased = false;
  bool is_wrong = false;
  bool is_whole = true;
  runtime::Runtime rt({.procs = 2});
  rt.run([&] {
    const auto file = open_leased(path);
    if (!file) return;
    is_leased = true;
    const auto blocks = all_blocks(*file);
    for (const BlockRef& block : blocks) {
      is_whole = is_whole && block->data()[block->used() - 1] == '\n' && block->others() != nullptr;
    }
    shown = joined(blocks);
    offset = file->offset();
    is_wrong = file->wrong().has_value();
  });
  if (!is_leased) {
    MESSAGE("nothing is leased here");
    return;
  }
  CHECK(is_whole);
  CHECK_FALSE(is_wrong);
  CHECK(offset == shown.size());
  CHECK((shown == text.substr(0, text.rfind('\n') + 1)));
}

TEST_CASE("who cuts the file off, or writes to it, waits and changes nothing of what is in use") {
  const std::string text = numbered_lines(std::size_t{5} << 20);
  for (const bool cuts : {false, true}) {
    for (const int procs : {1, 2}) {
      CAPTURE(cuts);
      CAPTURE(procs);
      const ScratchDir dir;
      const std::string path = dir.write("text", text);
      std::string kept;
      std::size_t half = 0;
      bool is_leased = false;
      bool is_wrong = false;
      bool has_more = true;
      runtime::Runtime rt({.procs = procs});
      rt.run([&] {
        const auto file = open_leased(path);
        if (!file) return;
        is_leased = true;
        std::vector<BlockRef> blocks;
        while (blocks.size() < 4) blocks.push_back(file->next());
        blocks.erase(blocks.begin() + 1);  // has gone
        half = file->offset();
        std::thread writer([&] {
          if (cuts) {
            static_cast<void>(::truncate(path.c_str(), 1));
          } else {
            const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
            const std::string other(text.size(), '#');
            static_cast<void>(::pwrite(fd.get(), other.data(), other.size(), 0));
          }
        });
        // Nobody asks the file: it hears of the writer by itself.
        runtime::blocking([&] { writer.join(); });
        kept = joined(blocks);
        is_wrong = file->wrong().has_value();
        has_more = static_cast<bool>(file->next());
      });
      if (!is_leased) {
        MESSAGE("nothing is leased here");
        return;
      }
      CHECK_FALSE(is_wrong);
      CHECK_FALSE(has_more);
      const std::size_t first = text.rfind('\n', LeasedFile::kWindowBytes - 1) + 1;
      const std::size_t second = text.rfind('\n', first + LeasedFile::kWindowBytes - 1) + 1;
      CHECK((kept == text.substr(0, first) + text.substr(second, half - second)));
    }
  }
}

TEST_CASE("a file that somebody has open for writing is read") {
  const ScratchDir dir;
  const std::string path = dir.write("text", numbered_lines(std::size_t{5} << 20));
  const FileDescriptor writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  bool is_leased = true;
  runtime::Runtime rt({.procs = 1});
  rt.run([&] { is_leased = open_leased(path) != nullptr; });
  CHECK_FALSE(is_leased);
}

TEST_CASE("a lease ends with the last block") {
  const ScratchDir dir;
  const std::string path = dir.write("text", numbered_lines(std::size_t{5} << 20));
  runtime::Runtime rt({.procs = 1});
  bool is_gone = false;
  rt.run([&] {
    auto file = open_leased(path);
    if (!file) return;
    BlockRef block = file->next();
    file.reset();
    block = {};
    // It would have to wait for the lease otherwise.
    is_gone = FileDescriptor(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)).is_open();
  });
  if (!is_gone) MESSAGE("nothing is leased here, or it stays");
}

TEST_SUITE_END();

}  // namespace gorun::test::leased_file_test
