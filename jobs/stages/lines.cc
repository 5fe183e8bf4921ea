// The kind "lines": the records of a file or of standard input, as slices of what read(2) returned.
//
// Records that were read leave at once when the next read would have to wait: a slow pipe streams.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "jobs/input_stream.h"
#include "jobs/stages/rows.h"
#include "jobs/system_error.h"
#include "jobs/walk/directory.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// What one read asks for: stays in the second-level cache until the records have been looked at.
constexpr std::size_t kReadBytes = std::size_t{256} << 10;

class LinesProducer final : public Producer {
 public:
  LinesProducer(const StageOptions& options, Context& context)
      : context_(context),
        path_(options.text("path")),
        delimiter_(options.text("delimiter").front()),
        skip_(options.integer("skip")) {}

  void run(Out& out) override {
    FileDescriptor opened;
    int fd = STDIN_FILENO;
    if (path_ != "-") {
      int error = 0;
      opened = runtime::blocking(runtime::Blocking::kLong, [&] {
        FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        error = errno;
        return file;
      });
      if (opened.get() < 0) return fail("open", error);
      fd = opened.get();
    }
    InputStream input(fd, context_.cancel_fd());
    read_all(input, out);
  }

 private:
  void fail(std::string_view call, int error) {
    const SystemError what{call, error, path_ == "-" ? "standard input" : path_};
    static_cast<void>(context_.fail({FailureKind::kWork, what.message(), {}}));
  }

  void read_all(InputStream& input, Out& out) {
    for (;;) {
      make_room();
      if (!input.is_ready() && out.flush() == Flow::kStop) return;
      const InputStream::Got got =
          input.read(block_->data() + block_->used(), block_->room());
      if (got.is_stopped) return;
      if (got.error_number != 0) return fail("read", got.error_number);
      if (got.bytes == 0) break;
      context_.count_bytes(got.bytes);
      block_->set_used(block_->used() + got.bytes);
      if (cut(out) == Flow::kStop) return;
    }
    if (begin_ < block_->used()) {  // the last record has no delimiter
      static_cast<void>(emit(begin_, block_->used(), out));
    }
  }

  // Makes room behind the record under way. Its bytes move to a new block when the old one is full,
  // for the old one belongs to the records that were emitted.
  void make_room() {
    if (block_ && block_->room() > 0) return;
    const std::size_t rest = block_ ? block_->used() - begin_ : 0;
    if (block_ && rest == 0 && block_->is_unique()) {
      block_->set_used(0);
      scanned_ = 0;
    } else {
      // A record that fills the block gets one of twice the size, so that copying stays linear.
      BlockRef next = Block::make(rest * 2 > kReadBytes ? rest * 2 : kReadBytes);
      if (rest > 0) std::memcpy(next->data(), block_->data() + begin_, rest);
      next->set_used(rest);
      scanned_ -= begin_;
      block_ = std::move(next);
    }
    begin_ = 0;
  }

  // Emits the complete records of the block.
  Flow cut(Out& out) {
    const char* data = block_->data();
    for (;;) {
      const void* end = std::memchr(data + scanned_, delimiter_, block_->used() - scanned_);
      if (end == nullptr) break;
      const auto at = static_cast<std::size_t>(static_cast<const char*>(end) - data);
      const Flow flow = emit(begin_, at, out);
      begin_ = scanned_ = at + 1;
      if (flow == Flow::kStop) return flow;
    }
    scanned_ = block_->used();
    return Flow::kMore;
  }

  Flow emit(std::size_t begin, std::size_t end, Out& out) {
    if (skip_ > 0) {
      --skip_;
      return Flow::kMore;
    }
    out.batch().keep(block_);
    return out.emit(Item{.text = {block_->data() + begin, end - begin}});
  }

  Context& context_;
  const std::string path_;
  const char delimiter_;
  std::int64_t skip_;
  BlockRef block_;
  std::size_t begin_ = 0;    // of the record under way, in block_
  std::size_t scanned_ = 0;  // up to here block_ holds no delimiter that was not seen
};

class LinesStage final : public Stage {
 public:
  explicit LinesStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<LinesProducer>(options_, context);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_lines(const StageSpec& spec) { return row_of(std::make_unique<LinesStage>(spec)); }

}  // namespace gorun::jobs
