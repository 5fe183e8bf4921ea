// jobs/url_password.h - the user and the password that a URL may hold, which no message shows.
#pragma once

#include <string>

namespace gorun::jobs {

/// `text` with "***" in place of what stands between "://" and "@" in every URL in it that has a
/// password. Also of one that is no right URL, as far as white space or a quote, as with a slash in
/// the password; and of one that was cut ("...") within it.
[[nodiscard]] std::string mask_url_passwords(std::string text);

}  // namespace gorun::jobs
