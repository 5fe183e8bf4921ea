// tests/runtime/file_view_test.cc - bytes of files that stay readable when the file does not.
#include "runtime/file_view.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "runtime/fault.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::file_view_test {

using namespace gorun::runtime;  // NOLINT(google-build-using-namespace): the room under test

namespace {

std::size_t page() { return static_cast<std::size_t>(::getpagesize()); }

// A file of whole pages, each of another letter.
class Letters {
 public:
  explicit Letters(std::size_t pages) {
    for (std::size_t p = 0; p < pages; ++p) text_ += std::string(page(), letter(p));
    fd_ = ::open(dir_.write("letters", text_).c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd_ >= 0);
  }
  ~Letters() { ::close(fd_); }
  Letters(const Letters&) = delete;
  Letters& operator=(const Letters&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  void cut_to(std::size_t pages) const {
    REQUIRE(::ftruncate(fd_, static_cast<off_t>(pages * page())) == 0);
  }

  static char letter(std::size_t p) { return static_cast<char>('a' + p % 26); }

 private:
  ScratchDir dir_;
  std::string text_;
  int fd_ = -1;
};

FileView view_of(const Letters& file, std::size_t offset, std::size_t bytes) {
  auto view = FileView::map(file.fd(), offset, bytes);
  REQUIRE(view.has_value());
  return std::move(*view);
}

// A mapping that is no view, of a page that the file does not have.
void touch_what_no_file_has(int fd) {
  const void* const memory = ::mmap(nullptr, page(), PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED || ::ftruncate(fd, 0) != 0) std::_Exit(9);
  static_cast<void>(*static_cast<const volatile char*>(memory));
}

void on_own_bus_error(int) { std::_Exit(3); }

}  // namespace

TEST_SUITE_BEGIN("runtime/file_view");

TEST_CASE("a view has the file's bytes, wherever it begins and ends") {
  const Letters file(3);
  for (const std::size_t offset :
       {std::size_t{0}, std::size_t{1}, page() - 1, page(), page() + 7}) {
    for (const std::size_t bytes : {std::size_t{1}, page(), 2 * page() - 7}) {
      CAPTURE(offset);
      CAPTURE(bytes);
      FileView view = view_of(file, offset, bytes);
      const FileView moved = std::move(view);
      CHECK(moved.bytes() == std::string_view(file.text()).substr(offset, bytes));
      CHECK_FALSE(moved.torn_at().has_value());
    }
  }
  CHECK_FALSE(FileView::map(file.fd(), 0, 0).has_value());
  CHECK_FALSE(FileView::map(-1, 0, 1).has_value());
}

TEST_CASE("what the file has no more is zeros, and noted") {
  for (const std::size_t ahead : {0u, 1u}) {  // bytes of a page in front of the view
    CAPTURE(ahead);
    const Letters file(6);
    const FileView view = view_of(file, ahead, 6 * page() - ahead);
    const FileView other = view_of(file, 0, 6 * page());
    CHECK(view.bytes()[page()] == Letters::letter(1));
    file.cut_to(3);
    CHECK_FALSE(view.torn_at().has_value());  // not looked at
    CHECK(view.bytes()[4 * page() - ahead] == '\0');
    CHECK(view.torn_at() == 4 * page() - ahead);
    CHECK(view.bytes().substr(5 * page() - ahead) == std::string(page(), '\0'));
    CHECK(view.bytes()[3 * page() - ahead] == '\0');
    CHECK(view.torn_at() == 3 * page() - ahead);
    // What it has still is there, and another view is another one's.
    CHECK(view.bytes().substr(0, 3 * page() - ahead) ==
          std::string_view(file.text()).substr(ahead, 3 * page() - ahead));
    CHECK_FALSE(other.torn_at().has_value());
  }
}

TEST_CASE("a view that begins where another one was torn is whole") {
  const Letters file(4);
  for (int i = 0; i < 3; ++i) {
    {
      const FileView view = view_of(file, 0, 4 * page());
      file.cut_to(1);
      CHECK(view.bytes()[page()] == '\0');
      CHECK(view.torn_at() == page());
    }
    file.cut_to(4);  // a hole, which reads as zeros, too
    const FileView view = view_of(file, 0, 4 * page());
    CHECK(view.bytes()[page()] == '\0');
    CHECK_FALSE(view.torn_at().has_value());
  }
}

TEST_CASE("there are so many views at once and no more") {
  const Letters file(1);
  std::vector<FileView> views;
  views.reserve(kMostFileViews);
  for (std::size_t i = 0; i < kMostFileViews; ++i) views.push_back(view_of(file, 0, 1));
  CHECK_FALSE(FileView::map(file.fd(), 0, 1).has_value());
  views.pop_back();
  const FileView last = view_of(file, 0, page());
  file.cut_to(0);
  CHECK(last.bytes()[0] == '\0');
  CHECK(last.torn_at() == 0);
  CHECK_FALSE(views.front().torn_at().has_value());
}

TEST_CASE("goroutines whose files are cut at the same time are told of their own") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    constexpr std::size_t kFiles = 16;
    std::vector<std::size_t> torn_at(kFiles);
    Runtime rt({.procs = procs});
    rt.run([&] {
      WaitGroup all;
      for (std::size_t f = 0; f < kFiles; ++f) {
        all.go([&, f] {
          const Letters file(kFiles + 1);
          const FileView view = view_of(file, 0, file.text().size());
          file.cut_to(f);
          yield();
          std::size_t letters = 0;
          for (const char c : view.bytes()) letters += c != '\0' ? 1 : 0;
          torn_at[f] = letters == f * page() ? view.torn_at().value_or(0) : 0;
        });
      }
      all.wait();
    });
    for (std::size_t f = 0; f < kFiles; ++f) CHECK(torn_at[f] == f * page());
  }
}

TEST_CASE("any other bus error ends the process, or goes to whom it went to before") {
  const ChildEnd dead = run_in_child([] {
    const Letters file(1);
    const FileView view = view_of(file, 0, 1);
    touch_what_no_file_has(file.fd());
  });
  CAPTURE(dead.errors);
  CHECK(dead.exit_code != 0);
  if (kFaultReports) CHECK(dead.signal == SIGBUS);

  const ChildEnd sent = run_in_child([] {
    const Letters file(1);
    const FileView view = view_of(file, 0, 1);
    ::raise(SIGBUS);
  });
  CHECK(sent.exit_code != 0);
  if (kFaultReports) CHECK(sent.signal == SIGBUS);
}

// The handler goes in with the first view, so this process must not have had one.
TEST_CASE("whoever handled bus errors before is asked about what is in no view") {
  const ChildEnd asked = run_in_child([] {
    std::signal(SIGBUS, on_own_bus_error);
    const Letters file(1);
    const FileView view = view_of(file, 0, 1);
    touch_what_no_file_has(file.fd());
  });
  CAPTURE(asked.errors);
  CHECK(asked.exit_code == 3);
}

TEST_SUITE_END();

}  // namespace gorun::test::file_view_test
