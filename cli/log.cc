// cli/log.cc - the log, by way of spdlog.

#include "cli/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <memory>
#include <mutex>

namespace gorun::cli {
namespace {

// Lines go to the Screen, which knows how to keep the progress display whole.
class ScreenSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit ScreenSink(Screen& screen) : screen_(screen) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    screen_.message(std::string_view(line.data(), line.size()));
  }
  void flush_() override {}

 private:
  Screen& screen_;
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
      return spdlog::level::off;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
  }
  return spdlog::level::off;
}

}  // namespace

struct Log::Sink {
  Sink(Screen& screen, LogLevel level) : logger("gorun", std::make_shared<ScreenSink>(screen)) {
    logger.set_pattern("%n: %H:%M:%S.%e %l: %v");
    logger.set_level(to_spdlog(level));
  }
  spdlog::logger logger;
};

Log::Log(Screen& screen, LogLevel level) : sink_(std::make_unique<Sink>(screen, level)) {}
Log::~Log() = default;

// "{}" keeps braces in a message from being taken for placeholders.
void Log::warn(std::string_view message) const { sink_->logger.warn("{}", message); }
void Log::info(std::string_view message) const { sink_->logger.info("{}", message); }
void Log::debug(std::string_view message) const { sink_->logger.debug("{}", message); }

bool Log::shows_debug() const { return sink_->logger.should_log(spdlog::level::debug); }

}  // namespace gorun::cli
