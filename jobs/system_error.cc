#include "jobs/system_error.h"

#include <cstring>
#include <string>

#include "jobs/format/quote.h"

namespace gorun::jobs {

std::string errno_text(int error_number) {
  // strerrordesc_np is thread-safe, untranslated and without allocation; nullptr if unknown.
  const char* text = strerrordesc_np(error_number);
  return text != nullptr ? std::string(text) : "error " + std::to_string(error_number);
}

std::string SystemError::message() const {
  std::string text = "cannot ";
  text += call;
  if (!subject.empty()) {
    text += ' ';
    text += quote_for_message(subject);
  }
  text += ": ";
  text += errno_text(error_number);
  return text;
}

}  // namespace gorun::jobs
