// The kind "manifest": the entries of checksum files, as sha256sum, BSD's tools, hashdeep and we
// write them.
//
// An item is a path; its fields are algorithm and digest, or a digest under the name of each
// algorithm if an entry has several, as those of the kind "hash".
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/file_descriptor.h"
#include "jobs/format/checksum_reader.h"
#include "jobs/format/hex.h"
#include "jobs/format/quote.h"
#include "jobs/input_stream.h"
#include "jobs/stages/rows.h"
#include "jobs/system_error.h"
#include "jobs/text/cutter.h"
#include "jobs/text/range_reader.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// The form of a line, by its first word: a digest, or the name of an algorithm.
std::string_view form_of(std::string_view line) {
  if (line.starts_with('\\')) line.remove_prefix(1);
  if (line.find(',') < line.find_first_of(" (")) return "hashdeep";
  const std::string_view word = line.substr(0, line.find_first_of(" ("));
  constexpr std::size_t kShortestHex = 8;
  const bool is_hex = word.size() >= kShortestHex &&
                      word.find_first_not_of(kAnyHexDigits) == std::string_view::npos;
  return is_hex ? "coreutils" : "bsd";
}

class ManifestProducer final : public Producer {
 public:
  ManifestProducer(const StageOptions& options, Context& context)
      : options_(options), format_(options.text("format")), context_(context) {
    if (options.has("algorithm")) untagged_ = find_algorithm(options.text("algorithm"));
  }

  void run(Out& out) override {
    for (const std::string& path : options_.texts("path")) {
      if (read(path, out) == Flow::kStop) return;
    }
  }

 private:
  Flow fail(Failure failure) { return context_.fail_item(Item{}, std::move(failure)); }

  Flow read(const std::string& path, Out& out) {
    FileDescriptor opened;
    int fd = STDIN_FILENO;
    if (path != "-") {
      int error = 0;
      opened =
          runtime::blocking(runtime::Blocking::kBrief, [&] { return open_input(path, &error); });
      if (!opened.is_open()) return fail(failure_of(SystemError{"open", error, path}));
      fd = opened.get();
    }
    RangeReader reader =
        RangeReader::of_stream(fd, path == "-" ? "standard input" : path, {}, context_.cancel_fd());
    ChecksumReader lines(untagged_);
    ByteBuffer buffer;
    std::uint64_t line = 0;
    const std::uint64_t before = entries_;
    for (;;) {
      const auto chunk = reader.next(buffer);
      if (!chunk.ok() && chunk.error().is_stop()) return Flow::kStop;
      if (!chunk.ok()) return fail({FailureKind::kWork, chunk.error().message(), {}});
      if (chunk->empty()) break;
      if (take(*chunk, path, &lines, &line, out) == Flow::kStop) return Flow::kStop;
      if (out.flush() == Flow::kStop) return Flow::kStop;
    }
    if (entries_ > before) return Flow::kMore;
    return fail({FailureKind::kWork, quote_for_message(path) + " has no checksum lines", {}});
  }

  Flow take(std::string_view chunk, const std::string& path, ChecksumReader* lines,
            std::uint64_t* number, Out& out) {
    LineCutter cutter(chunk);
    std::array<std::string_view, kRecordBatch> records;
    ChecksumEntry entry;
    while (const std::size_t count = cutter.next(records)) {
      for (const std::string_view line : std::span(records).first(count)) {
        ++*number;
        const ChecksumLine what = lines->read(line, &entry);
        if (what == ChecksumLine::kNothing) continue;
        const bool is_right =
            what == ChecksumLine::kEntry && (format_ == "auto" || form_of(line) == format_);
        const Flow flow = is_right ? emit(entry, out)
                                   : fail({FailureKind::kWork,
                                           quote_for_message(path) + " line " +
                                               std::to_string(*number) + " is no checksum line" +
                                               (format_ == "auto" ? "" : " of format " + format_),
                                           {}});
        if (flow == Flow::kStop) return Flow::kStop;
      }
    }
    return Flow::kMore;
  }

  Flow emit(const ChecksumEntry& entry, Out& out) {
    ++entries_;
    Batch& batch = out.batch();
    Item item{.text = batch.copy(entry.path)};
    fields_.clear();
    fields_.push_back({"path", item.text});
    std::string_view rest = batch.copy(entry.hex);
    for (const Algorithm algorithm : entry.algorithms) {
      const std::string_view digest = rest.substr(0, 2 * digest_size(algorithm));
      rest.remove_prefix(digest.size());
      if (entry.algorithms.size() == 1) {
        fields_.push_back({"algorithm", algorithm_name(algorithm)});
        fields_.push_back({"digest", digest});
      } else {
        fields_.push_back({algorithm_name(algorithm), digest});
      }
    }
    batch.set_fields(&item, fields_);
    return out.emit(item);
  }

  const StageOptions& options_;
  const std::string& format_;
  Context& context_;
  std::optional<Algorithm> untagged_;
  std::uint64_t entries_ = 0;
  std::vector<Field> fields_;  // of the entry at hand
};

class ManifestStage final : public Stage {
 public:
  explicit ManifestStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<ManifestProducer>(options_, context);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_manifest(const StageSpec& spec) {
  return row_of(std::make_unique<ManifestStage>(spec));
}

}  // namespace gorun::jobs
