// The kind "read": the contents of file items, as chunks cut at line ends.
//
// Two stages. The first looks at each file's size and cuts large ones into ranges, so that several
// workers read one file at once; small files go in batches. The second reads: a range [begin, end)
// owns the lines that begin in it, so it starts behind the first line end at or after begin - 1 and
// goes on past its end until the line under way is complete. A range in which no line begins yields
// nothing. Chunks carry the fields of the file's item, and so does what is split from them.
//
// Not chosen: chunks that ignore lines, put together again by the splitter. Every splitter would have
//   to know its neighbours.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "jobs/input_stream.h"
#include "jobs/stages/rows.h"
#include "jobs/system_error.h"
#include "jobs/walk/directory.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Work of a millisecond or more for one goroutine, and still a hundred pieces of a file of 1 GiB.
constexpr std::uint64_t kRangeBytes = std::uint64_t{8} << 20;
// Small files in a batch: opening and reading one costs ~8 us.
constexpr std::size_t kFiles = 64;

// Names of the fields that carry a range from the first stage to the second. A space keeps them apart
// from names that people write.
constexpr std::string_view kBeginField = "read begin";
constexpr std::string_view kEndField = "read end";

class CutFiles final : public Operator {
 public:
  Flow process(Batch&& batch, Out& out) override {
    sizes_.clear();
    runtime::blocking(runtime::Blocking::kBrief, [&] {
      for (const Item& item : batch.items()) sizes_.push_back(size_of(item));
    });
    std::uint64_t bytes = 0;  // of the files in the batch under way
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Item& item = batch.items()[i];
      if (sizes_[i] <= kRangeBytes) {
        out.batch().push_copy(item);
        bytes += sizes_[i];
        if (bytes < kRangeBytes / 2 && out.batch().size() < kFiles) continue;
        bytes = 0;
        if (out.flush() == Flow::kStop) return Flow::kStop;
      } else if (cut(item, sizes_[i], out) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    return out.flush();
  }

 private:
  // 0 for what is not there or has no size: the reader then reads to the end, or says what is wrong.
  static std::uint64_t size_of(const Item& item) {
    struct stat status = {};
    if (::stat(std::string(item.text).c_str(), &status) != 0) return 0;
    return S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
  }

  static Flow cut(const Item& item, std::uint64_t size, Out& out) {
    if (out.flush() == Flow::kStop) return Flow::kStop;
    for (std::uint64_t begin = 0; begin < size; begin += kRangeBytes) {
      // The last range is open: a file that grows meanwhile is read to its end, as small ones are.
      const std::uint64_t end = begin + kRangeBytes < size
                                    ? begin + kRangeBytes
                                    : std::numeric_limits<std::uint64_t>::max();
      Batch& batch = out.batch();
      batch.push_copy(item);
      const std::array<Field, 2> range = {{{kBeginField, batch.copy(std::to_string(begin))},
                                           {kEndField, batch.copy(std::to_string(end))}}};
      batch.set_fields(&batch.items().back(), range);
      if (out.flush() == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

  std::vector<std::uint64_t> sizes_;  // of the batch at hand
};

class CutFilesStage final : public Stage {
 public:
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    return std::make_unique<CutFiles>();
  }
};

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
};

std::uint64_t parse_offset(std::string_view text) {
  std::uint64_t offset = 0;
  std::from_chars(text.data(), text.data() + text.size(), offset);  // written by CutFiles
  return offset;
}

// Takes the range's fields off the item.
Range take_range(Item* item) {
  const Field* begin = item->find(kBeginField);
  const Field* end = item->find(kEndField);
  if (begin == nullptr || end == nullptr) return {};
  item->field_count -= 2;  // they come last
  return {parse_offset(begin->value), parse_offset(end->value)};
}

class Read final : public Operator {
 public:
  Read(std::size_t chunk_bytes, Context& context) : context_(context), chunk_bytes_(chunk_bytes) {}

  Flow process(Batch&& batch, Out& out) override {
    for (Item& item : batch.items()) {
      const Range range = take_range(&item);
      if (read(batch, item, range, out) == Flow::kStop || context_.is_cancelled()) {
        return Flow::kStop;
      }
    }
    return Flow::kMore;
  }

 private:
  Flow fail(std::string_view call, int error, const Item& item) {
    const SystemError what{call, error, std::string(item.text)};
    return context_.fail({FailureKind::kWork, what.message(), std::string(item.text)});
  }

  Flow read(const Batch& batch, const Item& item, const Range& range, Out& out) {
    int error = 0;
    FileDescriptor file = runtime::blocking(runtime::Blocking::kBrief, [&] {
      FileDescriptor opened(::open(std::string(item.text).c_str(), O_RDONLY | O_CLOEXEC));
      error = errno;
      return opened;
    });
    if (file.get() < 0) return fail("open", error, item);
    Cursor at{.position = range.begin, .limit = range.end};
    if (range.begin > 0) {
      --at.position;  // the byte before tells whether a line begins at `begin`
      at.skips_line = true;
      if (::lseek(file.get(), static_cast<off_t>(at.position), SEEK_SET) < 0) {
        return fail("seek", errno, item);
      }
    }
    InputStream input(file.get(), context_.cancel_fd());
    return read_chunks(input, at, batch, item, out);
  }

  // Where the reading of one range is. The file's bytes [position - (used - begin_), position) lie in
  // the block, from begin_ on.
  struct Cursor {
    std::uint64_t position = 0;  // of the next read
    std::uint64_t limit = 0;     // lines that begin here or later are not ours
    bool skips_line = false;     // what comes up to the next line end is not ours
  };

  Flow read_chunks(InputStream& input, Cursor at, const Batch& batch, const Item& item, Out& out) {
    begin_ = block_ ? block_->used() : 0;
    for (;;) {
      make_room();
      const InputStream::Got got =
          input.read(block_->data() + block_->used(), std::min(block_->room(), wanted(at)));
      if (got.is_stopped) return Flow::kStop;
      if (got.error_number != 0) return fail("read", got.error_number, item);
      if (got.bytes == 0) break;
      context_.count_bytes(got.bytes);
      const std::size_t fresh = block_->used();
      block_->set_used(fresh + got.bytes);
      at.position += got.bytes;
      if (at.skips_line && !skip_line(&at, fresh)) {
        if (at.position >= at.limit) return Flow::kMore;  // no line begins in this range
        continue;
      }
      if (at.position - (block_->used() - begin_) >= at.limit) return Flow::kMore;
      const std::optional<std::size_t> cut = last_line_end(at, fresh);
      if (!cut) continue;
      if (emit(batch, item, *cut, out) == Flow::kStop) return Flow::kStop;
      begin_ = *cut;
      if (at.position - (block_->used() - begin_) >= at.limit) return Flow::kMore;
    }
    if (begin_ == block_->used() || at.skips_line) return Flow::kMore;
    const Flow flow = emit(batch, item, block_->used(), out);  // the last line has no end
    begin_ = block_->used();
    return flow;
  }

  // Bytes to ask for: to the end of the range, then for the rest of its last line.
  static std::size_t wanted(const Cursor& at) {
    constexpr std::size_t kLineRest = std::size_t{64} << 10;
    if (at.position >= at.limit) return kLineRest;
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(at.limit - at.position, std::numeric_limits<std::size_t>::max()));
  }

  // Drops what belongs to the range before; false if that is all there is so far.
  bool skip_line(Cursor* at, std::size_t fresh) {
    const auto end = first_line_end(fresh, block_->used());
    if (!end) {
      block_->set_used(begin_);  // these bytes were never given out
      return false;
    }
    begin_ = *end;
    at->skips_line = false;
    return true;
  }

  // Just behind the last line end that is ours and lies in the fresh bytes; nothing if there is none.
  [[nodiscard]] std::optional<std::size_t> last_line_end(const Cursor& at, std::size_t fresh) const {
    const std::size_t from = std::max(fresh, begin_);
    if (at.position > at.limit) {
      // The line that holds byte limit - 1 is our last: its end is the first one from there on.
      const std::uint64_t back = at.position - (at.limit - 1);
      const std::size_t look =
          back <= block_->used() ? std::max(from, block_->used() - static_cast<std::size_t>(back))
                                 : from;
      if (const auto end = first_line_end(look, block_->used())) return end;
      return final_line_end(from, look);
    }
    return final_line_end(from, block_->used());
  }

  // Just behind the first or the last line feed of bytes [from, to) of the block.
  [[nodiscard]] std::optional<std::size_t> first_line_end(std::size_t from, std::size_t to) const {
    return behind(std::memchr(block_->data() + from, '\n', to - from));
  }
  [[nodiscard]] std::optional<std::size_t> final_line_end(std::size_t from, std::size_t to) const {
    return behind(::memrchr(block_->data() + from, '\n', to - from));
  }
  [[nodiscard]] std::optional<std::size_t> behind(const void* line_feed) const {
    if (line_feed == nullptr) return std::nullopt;
    return static_cast<std::size_t>(static_cast<const char*>(line_feed) - block_->data()) + 1;
  }

  Flow emit(const Batch& batch, const Item& file, std::size_t end, Out& out) {
    out.batch().keep_all(batch);  // the fields
    out.batch().keep(block_);
    Item chunk = file;
    chunk.text = {block_->data() + begin_, end - begin_};
    return out.emit(chunk);
  }

  // Makes room behind the line under way. A block that readers still hold is left to them.
  void make_room() {
    const std::size_t rest = block_ ? block_->used() - begin_ : 0;
    if (block_ && rest == 0 && block_->is_unique()) {
      block_->set_used(0);
      begin_ = 0;
    }
    // A read into a small remainder would cost a system call for little.
    if (block_ && block_->room() >= chunk_bytes_ / 4) return;
    const std::size_t size = std::max(chunk_bytes_, rest * 2);
    if (!spare_ || !spare_->is_unique() || spare_->capacity() < size) spare_ = Block::make(size);
    if (rest > 0) std::memcpy(spare_->data(), block_->data() + begin_, rest);
    spare_->set_used(rest);
    std::swap(block_, spare_);
    begin_ = 0;
  }

  Context& context_;
  const std::size_t chunk_bytes_;
  BlockRef block_;         // filled behind what was given out
  BlockRef spare_;         // the one before: used again if its readers are done with it
  std::size_t begin_ = 0;  // of the line under way, in block_
};

class ReadStage final : public Stage {
 public:
  explicit ReadStage(const StageSpec& spec)
      : workers_(spec.workers), chunk_bytes_(spec.options.integer("chunk")) {}
  [[nodiscard]] StageTraits traits() const override { return {.workers = workers_}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Read>(static_cast<std::size_t>(chunk_bytes_), context);
  }

 private:
  const int workers_;
  const std::int64_t chunk_bytes_;
};

}  // namespace

StageRow make_read(const StageSpec& spec) {
  return row_of(std::make_unique<CutFilesStage>(), std::make_unique<ReadStage>(spec));
}

}  // namespace gorun::jobs
