// The kind "read": the contents of file items, as chunks cut between records.
//
// Two stages. The first looks at each file's size and cuts large ones into ranges, so that several
// workers read one file at once; small files go in batches. The second reads: a range owns the
// lines that begin in it (jobs/text/range_reader.h). Chunks carry the fields of the file's item,
// and so does what is split from them.
//
// A line feed of CSV may lie inside a field. The first stage therefore scans a large file for
// quotes, which takes a fraction of the time that cutting it does, and its ranges begin at records
// (jobs/records/record_borders.h says why nothing less will do). JSON documents of many lines have
// no place that tells of itself, so such a file is one range; so is a compressed one, which is told
// by its name (jobs/compress/decoder.h) and decoded as it is read. Where only words are wanted, a
// line may be of any length: the cuts are at white space.
//
// Where what follows only counts, a range that is cached is not copied (jobs/text/mapped_range.h).
//
// Each range opens the file anew. It must be the one that was cut, and have as many bytes at least:
// else records would be lost without a word. What is appended meanwhile is read, too.
//
// Not chosen: chunks that ignore lines, put together again by the splitter. Every splitter would
//   have to know its neighbours.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/cached_read.h"
#include "jobs/compress/decoder.h"
#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/format/quote.h"
#include "jobs/held_out.h"
#include "jobs/input_stream.h"
#include "jobs/record_limit.h"
#include "jobs/records/chunk_origin.h"
#include "jobs/records/record_borders.h"
#include "jobs/stages/rows.h"
#include "jobs/system_error.h"
#include "jobs/text/cutter.h"
#include "jobs/text/mapped_range.h"
#include "jobs/text/range_reader.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Work of a millisecond or more for one goroutine, and little enough for all to end together.
constexpr std::uint64_t kRangeBytes = std::uint64_t{4} << 20;
// Until the end is near: each range costs some 50 us beside its bytes, most of it to map them and
// to give them back, which every core has to hear of.
constexpr std::uint64_t kMostRangeBytes = 2 * kRangeBytes;
// Small files in a batch: opening and reading one costs ~8 us.
constexpr std::size_t kFiles = 64;

// Names of the fields that carry a range from the first stage to the second. A space keeps them
// apart from names that people write.
constexpr std::string_view kRangeField = "read range";
constexpr std::string_view kHeaderField = "read first record";  // of CSV, if the range is not at 0

enum class Cut : std::uint8_t { kLines, kWords, kCsv, kJsonLines, kJson };

Cut cut_of(const StageOptions& options) {
  const std::string& cut = options.text("cut");
  return cut == "words"   ? Cut::kWords
         : cut == "csv"   ? Cut::kCsv
         : cut == "jsonl" ? Cut::kJsonLines
         : cut == "json"  ? Cut::kJson
                          : Cut::kLines;
}

// Chunks of which whoever splits them has to know where they come from.
bool tells_origin(Cut cut) { return cut != Cut::kLines && cut != Cut::kWords; }

// Bytes read at a time by a scan, which keeps nothing of them.
constexpr std::size_t kScanBytes = std::size_t{512} << 10;

// Which file was cut, and the bytes that it had.
struct CutFile {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;

  explicit CutFile(const struct stat& status)
      : device(status.st_dev),
        inode(status.st_ino),
        size(S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0) {}
  CutFile() = default;
};

struct CsvRanges {
  CutFile file;                       // its size is what was scanned
  std::vector<std::uint64_t> begins;  // of ranges, the first of them 0; each is a record's
  std::string header;                 // the first record
};

// What cannot be read is one range, and whoever reads that says why. A stop ends the scan.
CsvRanges csv_ranges(const std::string& path, char separator, const Context& context) {
  CsvRanges ranges{.file = {}, .begins = {0}, .header = {}};
  const FileDescriptor file = runtime::blocking(runtime::Blocking::kBrief, [&] {
    int error = 0;
    FileDescriptor opened = open_input(path, &error);
    struct stat status = {};
    if (::fstat(opened.get(), &status) == 0) ranges.file = CutFile(status);
    return opened;
  });
  CsvBorders borders(separator);
  ByteBuffer buffer;
  buffer.reserve(kScanBytes);
  for (std::uint64_t offset = 0; !context.is_cancelled();) {
    ranges.file.size = offset;
    const ReadResult got =
        cached_read(file.get(), {buffer.data(), kScanBytes}, static_cast<off_t>(offset));
    if (got.bytes <= 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got.bytes));
    if (offset == 0) {
      const std::size_t first = first_csv_record(piece, separator);
      if (first == std::string_view::npos) break;
      ranges.header = piece.substr(0, first);
    }
    const std::size_t border = borders.last_border(piece);
    if (border > 0 && offset + border >= ranges.begins.back() + kRangeBytes) {
      ranges.begins.push_back(offset + border);
    }
    offset += piece.size();
  }
  return ranges;
}

class CutFiles final : public Operator {
 public:
  CutFiles(Cut cut, char separator, const Context& context)
      : cut_(cut), separator_(separator), context_(context) {}

  Flow process(Batch&& batch, Out& out) override {
    files_.clear();
    runtime::blocking(runtime::Blocking::kBrief, [&] {
      for (const Item& item : batch.items()) files_.push_back(look_at(item));
    });
    std::uint64_t bytes = 0;  // of the files in the batch under way
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Item& item = batch.items()[i];
      if (files_[i].size <= kRangeBytes || is_one_range(item)) {
        out.batch().push_copy(item);
        bytes += files_[i].size;
        if (bytes < kRangeBytes / 2 && out.batch().size() < kFiles) continue;
        bytes = 0;
        if (out.flush() == Flow::kStop) return Flow::kStop;
      } else if (cut(item, files_[i], out) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    return out.flush();
  }

 private:
  [[nodiscard]] bool is_one_range(const Item& item) const {
    return cut_ == Cut::kJson || compression_of(item.text) != Compression::kNone;
  }

  // What is not there or has no size has 0 bytes: the reader then reads to the end, or says what is
  // wrong.
  static CutFile look_at(const Item& item) {
    struct stat status = {};
    return ::stat(std::string(item.text).c_str(), &status) == 0 ? CutFile(status) : CutFile();
  }

  Flow cut(const Item& item, const CutFile& file, Out& out) {
    if (out.flush() == Flow::kStop) return Flow::kStop;
    if (cut_ == Cut::kCsv) {
      const std::string path(item.text);
      const CsvRanges ranges = csv_ranges(path, separator_, context_);
      return send_ranges(item, ranges.file, ranges.begins, ranges.header, out);
    }
    std::vector<std::uint64_t> begins;
    for (std::uint64_t begin = 0; begin < file.size; begin += range_at(begin, file)) {
      begins.push_back(begin);
    }
    return send_ranges(item, file, begins, {}, out);
  }

  // Smaller ones when there is hardly one left for each core: all end together.
  [[nodiscard]] std::uint64_t range_at(std::uint64_t begin, const CutFile& file) const {
    constexpr std::uint64_t kWhole = std::uint64_t{1} << 20;
    const std::uint64_t share = (file.size - begin) / static_cast<std::uint64_t>(context_.procs());
    return std::clamp(share / kWhole * kWhole, kRangeBytes, kMostRangeBytes);
  }

  static Flow send_ranges(const Item& item, const CutFile& file,
                          const std::vector<std::uint64_t>& begins, std::string_view header,
                          Out& out) {
    if (begins.size() == 1) {  // a file like a small one
      out.batch().push_copy(item);
      return out.flush();
    }
    for (std::size_t i = 0; i < begins.size(); ++i) {
      // The last range is open: a file that grows meanwhile is read to its end, as small ones are.
      const std::uint64_t end =
          i + 1 < begins.size() ? begins[i + 1] : std::numeric_limits<std::uint64_t>::max();
      Batch& batch = out.batch();
      batch.push_copy(item);
      const std::array<Field, 2> range = {
          {{kRangeField, batch.copy(written(begins[i], end, file))},
           {kHeaderField, i == 0 ? std::string_view() : batch.copy(header)}}};
      batch.set_fields(&batch.items().back(), range);
      if (out.flush() == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

  // As take_range() reads it.
  static std::string written(std::uint64_t begin, std::uint64_t end, const CutFile& file) {
    std::string numbers;
    for (const std::uint64_t number : {begin, end, file.device, file.inode, file.size}) {
      numbers += std::to_string(number) + ' ';
    }
    return numbers;
  }

  const Cut cut_;
  const char separator_;
  const Context& context_;
  std::vector<CutFile> files_;  // of the batch at hand
};

class CutFilesStage final : public Stage {
 public:
  explicit CutFilesStage(const StageSpec& spec)
      : cut_(cut_of(spec.options)), separator_(spec.options.text("separator").front()) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<CutFiles>(cut_, separator_, context);
  }

 private:
  const Cut cut_;
  const char separator_;
};

struct NamedRange {
  std::uint64_t begin = 0;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
  std::optional<CutFile> file;  // that was cut; nothing: this is all of it
  std::string_view header;      // of CSV, if begin is not 0
};

// Takes the range's fields off the item.
NamedRange take_range(Item* item) {
  const Field* numbers = item->find(kRangeField);
  const Field* header = item->find(kHeaderField);
  if (numbers == nullptr || header == nullptr) return {};
  item->field_count -= 2;  // they come last
  NamedRange range{.file = CutFile(), .header = header->value};
  const char* at = numbers->value.data();
  const char* const end = at + numbers->value.size();
  for (std::uint64_t* number :
       {&range.begin, &range.end, &range.file->device, &range.file->inode, &range.file->size}) {
    at = std::from_chars(at, end, *number).ptr + 1;  // written by CutFiles
  }
  return range;
}

Failure failure_of_read(const ReadError& error) {
  Failure failure = failure_of(error.system);
  failure.what = error.message();
  if (error.system.call.empty()) failure.cause = FailureCause::kOther;
  return failure;
}

struct ReadOptions {
  std::size_t chunk_bytes;
  RecordLimit max_record;
  Cut cut;
  char separator;
};

class Read final : public Operator {
 public:
  Read(const ReadOptions& options, Context& context) : options_(options), context_(context) {}

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
    const NamedRange range = take_range(&item);
    std::optional<HeldOut> held;
    if (context_.may_retry()) held.emplace();
    auto failure = read(batch, item, range, held ? *held : out);
    if (failure) return context_.fail_item(whole, std::move(*failure));
    return held ? held->release(out) : out.is_stopped() ? Flow::kStop : Flow::kMore;
  }

  // What went wrong; nothing also when nobody wants more.
  std::optional<Failure> read(const Batch& batch, const Item& item, const NamedRange& range,
                              Out& out) {
    const std::string path(item.text);
    auto file = runtime::blocking(runtime::Blocking::kBrief, [&] { return open_file(path); });
    if (!file.ok()) return failure_of(file.error());
    const CutFile& there = file->is;
    if (range.file && (there.device != range.file->device || there.inode != range.file->inode)) {
      return Failure{
          FailureKind::kWork,
          quote_for_message(path) + " changed while it was read: another file has its name",
          {}};
    }
    CsvBorders csv_borders(options_.separator, range.begin == 0);
    JsonBorders json_borders;
    RecordBorders* borders = nullptr;
    if (options_.cut == Cut::kCsv) borders = &csv_borders;
    if (options_.cut == Cut::kJson) borders = &json_borders;
    ReadRange what{.begin = range.begin,
                   .end = range.end,
                   .delimiters = options_.cut == Cut::kWords ? kWhiteSpace : "\n",
                   .borders = borders,
                   .least_size = range.file ? range.file->size : 0,
                   .piece_bytes = options_.chunk_bytes,
                   .max_record = options_.max_record};
    const Compression how = compression_of(path);
    const bool is_plain = file->is_regular && how == Compression::kNone;
    if (is_plain && !tells_origin(options_.cut) && out.only_counts(TextForm::kItems)) {
      if (auto wrong = show(batch, item, file->fd.get(), path, &what, out))
        return failure_of_read(*wrong);
      if (out.is_stopped() || context_.is_cancelled()) return std::nullopt;
    }
    std::string header(range.header);
    RangeReader reader =
        is_plain ? RangeReader::of_file(file->fd.get(), path, what)
                 : RangeReader::of_stream(file->fd.get(), path, what, context_.cancel_fd(), how);
    for (;;) {
      // A block that nobody holds any more is still warm in the cache.
      if (!block_ || !block_->is_unique()) block_ = Block::make(0);
      const auto chunk = reader.next(block_->bytes());
      if (!chunk.ok() && chunk.error().is_stop()) return std::nullopt;
      if (!chunk.ok()) return failure_of_read(chunk.error());
      if (chunk->empty()) return what_is_wrong(path, json_borders);
      context_.count_bytes(chunk->size());
      out.batch().keep_all(batch);  // the fields
      out.batch().keep(block_);
      Item made = item;
      made.text = *chunk;
      if (tells_origin(options_.cut)) {
        const std::uint64_t offset = reader.chunk_offset();
        ChunkOrigin{.path = path,
                    .offset = offset,
                    .header = header,
                    .framing = framing(offset, json_borders)}
            .put_on(&made, &out.batch());
        if (options_.cut == Cut::kCsv && offset == 0) {
          header = chunk->substr(0, first_csv_record(*chunk, options_.separator));
        }
      }
      static_cast<void>(out.emit(made));
      // What reads in this goroutine is done with the block after the flush.
      if (out.flush() == Flow::kStop || context_.is_cancelled()) return std::nullopt;
    }
  }

  // Passes on what of the range need not be copied to be looked at, and takes it off `range`.
  std::optional<ReadError> show(const Batch& batch, const Item& item, int fd,
                                const std::string& path, ReadRange* range, Out& out) {
    auto mapped = MappedRange::open(fd, *range);
    if (!mapped) return std::nullopt;
    Item made = item;
    while (!mapped->is_torn() && !(made.text = mapped->next()).empty()) {
      context_.count_bytes(made.text.size());
      out.batch().keep_all(batch);  // the fields; nobody keeps the text
      static_cast<void>(out.emit(made));
      if (out.flush() == Flow::kStop || context_.is_cancelled()) return std::nullopt;
    }
    range->begin = mapped->next_offset();
    return mapped->error(fd, path);
  }

  [[nodiscard]] JsonFraming framing(std::uint64_t offset, const JsonBorders& borders) const {
    if (options_.cut != Cut::kJson) return JsonFraming::kLines;
    if (!borders.is_array()) return JsonFraming::kDocuments;
    return offset == 0 ? JsonFraming::kArray : JsonFraming::kElements;
  }

  static std::optional<Failure> what_is_wrong(const std::string& path, const JsonBorders& borders) {
    const std::string_view wrong = borders.wrong_at_end();
    if (wrong.empty()) return std::nullopt;
    return Failure{FailureKind::kWork, quote_for_message(path) + ": " + std::string(wrong), {}};
  }

  struct OpenFile {
    FileDescriptor fd;
    CutFile is = {};
    bool is_regular = true;
  };
  static Expected<OpenFile, SystemError> open_file(const std::string& path) {
    int error = 0;
    OpenFile file{.fd = open_input(path, &error)};
    struct stat status = {};
    if (!file.fd.is_open()) return SystemError{"open", error, path};
    if (::fstat(file.fd.get(), &status) < 0) return SystemError{"stat", errno, path};
    file.is = CutFile(status);
    file.is_regular = S_ISREG(status.st_mode);
    return file;
  }

  const ReadOptions options_;
  Context& context_;
  BlockRef block_;  // of the chunk at hand
};

class ReadStage final : public Stage {
 public:
  explicit ReadStage(const StageSpec& spec)
      : workers_(spec.workers),
        options_{.chunk_bytes = static_cast<std::size_t>(spec.options.integer("chunk")),
                 .max_record = record_limit(spec.options),
                 .cut = cut_of(spec.options),
                 .separator = spec.options.text("separator").front()} {}
  [[nodiscard]] StageTraits traits() const override { return {.workers = workers_}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Read>(options_, context);
  }

 private:
  const int workers_;
  const ReadOptions options_;
};

}  // namespace

StageRow make_read(const StageSpec& spec) {
  return row_of(std::make_unique<CutFilesStage>(spec), std::make_unique<ReadStage>(spec));
}

}  // namespace gorun::jobs
