// The kind "read": the contents of file items, as chunks cut at line ends.
//
// Two stages. The first looks at each file's size and cuts large ones into ranges, so that several
// workers read one file at once; small files go in batches. The second reads: a range owns the
// lines that begin in it (jobs/text/range_reader.h). Chunks carry the fields of the file's item,
// and so does what is split from them.
//
// Not chosen: chunks that ignore lines, put together again by the splitter. Every splitter would
// have
//   to know its neighbours.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/held_out.h"
#include "jobs/stages/rows.h"
#include "jobs/system_error.h"
#include "jobs/text/range_reader.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Work of a millisecond or more for one goroutine, and little enough for all to end together.
constexpr std::uint64_t kRangeBytes = std::uint64_t{4} << 20;
// Small files in a batch: opening and reading one costs ~8 us.
constexpr std::size_t kFiles = 64;

// Names of the fields that carry a range from the first stage to the second. A space keeps them
// apart from names that people write.
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
  // 0 for what is not there or has no size: the reader then reads to the end, or says what is
  // wrong.
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

Failure failure_of_read(const ReadError& error) {
  Failure failure = failure_of(error.system);
  failure.what = error.message();
  if (error.system.call.empty()) failure.cause = FailureCause::kOther;
  return failure;
}

class Read final : public Operator {
 public:
  Read(std::size_t chunk_bytes, std::size_t max_record_bytes, Context& context)
      : context_(context), chunk_bytes_(chunk_bytes), max_record_bytes_(max_record_bytes) {}

  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      if (read_item(batch, item, out) == Flow::kStop || context_.is_cancelled()) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  // A second attempt reads the range from its beginning, so what the first one read is held back.
  Flow read_item(const Batch& batch, const Item& whole, Out& out) {
    Item item = whole;
    const Range range = take_range(&item);
    std::optional<HeldOut> held;
    if (context_.may_retry()) held.emplace();
    auto failure = read(batch, item, range, held ? *held : out);
    if (failure) return context_.fail_item(whole, std::move(*failure));
    return held ? held->release(out) : out.is_stopped() ? Flow::kStop : Flow::kMore;
  }

  // What went wrong; nothing also when nobody wants more.
  std::optional<Failure> read(const Batch& batch, const Item& item, const Range& range, Out& out) {
    const std::string path(item.text);
    auto file = runtime::blocking(runtime::Blocking::kBrief, [&] { return open_file(path); });
    if (!file.ok()) return failure_of(file.error());
    const ReadRange what{.begin = range.begin,
                         .end = range.end,
                         .piece_bytes = chunk_bytes_,
                         .max_record_bytes = max_record_bytes_};
    RangeReader reader = file->is_regular ? RangeReader::of_file(file->fd.get(), path, what)
                                          : RangeReader::of_stream(file->fd.get(), path, what);
    for (;;) {
      // A block that nobody holds any more is still warm in the cache.
      if (!block_ || !block_->is_unique()) block_ = Block::make(0);
      const auto chunk = reader.next(block_->bytes());
      if (!chunk.ok()) return failure_of_read(chunk.error());
      if (chunk->empty()) return std::nullopt;
      context_.count_bytes(chunk->size());
      out.batch().keep_all(batch);  // the fields
      out.batch().keep(block_);
      Item made = item;
      made.text = *chunk;
      static_cast<void>(out.emit(made));
      // What reads in this goroutine is done with the block after the flush.
      if (out.flush() == Flow::kStop || context_.is_cancelled()) return std::nullopt;
    }
  }

  struct OpenFile {
    FileDescriptor fd;
    bool is_regular = true;
  };
  static Expected<OpenFile, SystemError> open_file(const std::string& path) {
    OpenFile file{.fd = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
    struct stat status = {};
    if (file.fd.get() < 0) return SystemError{"open", errno, path};
    if (::fstat(file.fd.get(), &status) < 0) return SystemError{"stat", errno, path};
    file.is_regular = S_ISREG(status.st_mode);
    return file;
  }

  Context& context_;
  const std::size_t chunk_bytes_;
  const std::size_t max_record_bytes_;
  BlockRef block_;  // of the chunk at hand
};

class ReadStage final : public Stage {
 public:
  explicit ReadStage(const StageSpec& spec)
      : workers_(spec.workers),
        chunk_bytes_(static_cast<std::size_t>(spec.options.integer("chunk"))),
        max_record_bytes_(static_cast<std::size_t>(spec.options.integer("max_record"))) {}
  [[nodiscard]] StageTraits traits() const override { return {.workers = workers_}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Read>(chunk_bytes_, max_record_bytes_, context);
  }

 private:
  const int workers_;
  const std::size_t chunk_bytes_;
  const std::size_t max_record_bytes_;
};

}  // namespace

StageRow make_read(const StageSpec& spec) {
  return row_of(std::make_unique<CutFilesStage>(), std::make_unique<ReadStage>(spec));
}

}  // namespace gorun::jobs
