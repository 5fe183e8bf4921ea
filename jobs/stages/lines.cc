// The kind "lines": the records of a file or of standard input, as slices of what read(2) returned.
//
// Where a sort follows, the lines of a file that is cached stay where the kernel keeps them
// (jobs/text/leased_file.h), as far as they can.
//
// Compressed files (jobs/compress/decoder.h) are told by their names.
// Records that were read leave at once when the next read would have to wait: a slow pipe streams.
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "jobs/compress/decoded_stream.h"
#include "jobs/file_descriptor.h"
#include "jobs/format/quote.h"
#include "jobs/input_stream.h"
#include "jobs/record_assembler.h"
#include "jobs/record_limit.h"
#include "jobs/stages/rows.h"
#include "jobs/system_error.h"
#include "jobs/text/leased_file.h"
#include "jobs/text/range_reader.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// What one read asks for: stays in the second-level cache until the records have been looked at.
constexpr std::size_t kRecordBytes = std::size_t{256} << 10;

class LinesProducer final : public Producer {
 public:
  LinesProducer(const StageOptions& options, Context& context)
      : context_(context),
        path_(options.text("path")),
        limit_(record_limit(options)),
        are_whole_lines_(options.text("delimiter") == "\n" && options.integer("skip") == 0 &&
                         limit_.bytes >= LeasedFile::kWindowBytes),
        records_(options.text("delimiter").front(), kRecordBytes) {
    records_.skip(static_cast<std::uint64_t>(options.integer("skip")));
    records_.refuse_longer_than(limit_.bytes);
  }

  void run(Out& out) override {
    FileDescriptor opened;
    int fd = STDIN_FILENO;
    if (path_ != "-") {
      int error = 0;
      opened =
          runtime::blocking(runtime::Blocking::kBrief, [&] { return open_input(path_, &error); });
      if (opened.get() < 0) return fail("open", error);
      fd = opened.get();
    }
    const Compression how = compression_of(path_);
    std::shared_ptr<LeasedFile> leased;
    if (opened.is_open() && how == Compression::kNone && are_whole_lines_ && out.keeps_lines()) {
      leased = LeasedFile::open(&opened, path_);
      if (leased && show(*leased, out) == Flow::kStop) return;
    }
    InputStream input(fd, context_.cancel_fd());
    if (how == Compression::kNone) return read_all(input, out);
    decode_all(DecodedStream(input, how), out);
  }

 private:
  void fail(std::string_view call, int error) {
    const SystemError what{call, error, path_ == "-" ? "standard input" : path_};
    static_cast<void>(context_.fail({FailureKind::kWork, what.message(), {}}));
  }

  // The file is to be read from there on.
  Flow show(LeasedFile& file, Out& out) {
    while (const BlockRef block = file.next()) {
      if (context_.is_cancelled()) return Flow::kStop;
      context_.count_bytes(block->used());
      Batch batch;
      batch.keep(block);
      if (out.send_lines(batch, {.text = {block->data(), block->used()}}) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    begun_at_ = file.offset();
    ::lseek(file.fd(), static_cast<off_t>(begun_at_), SEEK_SET);
    return Flow::kMore;
  }

  void read_all(InputStream& input, Out& out) {
    for (;;) {
      if (!input.is_ready() && out.flush() == Flow::kStop) return;
      const std::span<char> room = records_.room();
      const InputStream::Got got = input.read(room.data(), room.size());
      if (got.is_stopped) return;
      if (got.error_number != 0) return fail("read", got.error_number);
      if (got.bytes == 0) break;
      context_.count_bytes(got.bytes);
      if (records_.filled(got.bytes, out) == Flow::kStop) return;
      if (records_.refused_at()) return fail_long(out);
    }
    static_cast<void>(records_.finish(out));
  }

  void decode_all(DecodedStream input, Out& out) {
    for (;;) {
      if (context_.is_cancelled()) return;
      if (!input.is_ready() && out.flush() == Flow::kStop) return;
      const DecodedStream::Got got = input.read(records_.room());
      if (got.wrong) return fail_decoding(*got.wrong);
      if (got.read.is_stopped) return;
      if (got.read.error_number != 0) return fail("read", got.read.error_number);
      if (got.read.bytes == 0) break;
      context_.count_bytes(got.read.bytes);
      if (records_.filled(got.read.bytes, out) == Flow::kStop) return;
      if (records_.refused_at()) return fail_long(out);
    }
    static_cast<void>(records_.finish(out));
  }

  // Those in front of it go on.
  void fail_long(Out& out) {
    if (out.flush() == Flow::kStop) return;
    const ReadError wrong{.system = {{}, 0, path_ == "-" ? "standard input" : path_},
                          .offset = begun_at_ + *records_.refused_at(),
                          .refused_by = limit_};
    static_cast<void>(context_.fail({FailureKind::kWork, wrong.message(), {}}));
  }

  void fail_decoding(const std::string& what) {
    static_cast<void>(context_.fail(
        {FailureKind::kWork, "cannot decompress " + quote_for_message(path_) + ": " + what, {}}));
  }

  Context& context_;
  const std::string path_;
  const RecordLimit limit_;
  const bool are_whole_lines_;  // and each that lies in a window of a mapping may be as long
  std::uint64_t begun_at_ = 0;  // where in the file the stream of records begins
  RecordAssembler records_;
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
