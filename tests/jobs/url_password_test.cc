#include "jobs/url_password.h"

#include <doctest/doctest.h>

#include <string>

namespace gorun::test::url_password_test {

using gorun::jobs::mask_url_passwords;

TEST_SUITE_BEGIN("jobs/url_password");

TEST_CASE("the user and the password of a URL are masked, in whatever text it stands") {
  CHECK(mask_url_passwords("GET http://me:sesame@host:80/a?b: status 500") ==
        "GET http://***@host:80/a?b: status 500");
  CHECK(mask_url_passwords("git clone 'https://me:sesame@a/b' \"ftp://:sesame@c\"") ==
        "git clone 'https://***@a/b' \"ftp://***@c\"");
  CHECK(mask_url_passwords("http://a:b@c http://d:e@f") == "http://***@c http://***@f");
}

TEST_CASE("a password that makes a URL wrong is masked all the same") {
  for (const char* const password : {"a@b", "a/b", "a?b", "a#b@c", "a:b", "%zz", "a\\b"}) {
    CAPTURE(password);
    const std::string masked =
        mask_url_passwords("cannot read http://me:" + std::string(password) + "@host/a");
    CHECK(masked == "cannot read http://***@host/a");
  }
  CHECK(mask_url_passwords("http://me:sesame@host:none/a") == "http://***@host:none/a");
}

TEST_CASE("of a URL that was cut no part of its password is left") {
  CHECK(mask_url_passwords("curl http://me:sesa...: exit 1") == "curl http://***...: exit 1");
  CHECK(mask_url_passwords("curl http://me:sesa...") == "curl http://***...");
  CHECK(mask_url_passwords("curl http://host:80/...") == "curl http://host:80/...");
}

TEST_CASE("what has no password stays as it is") {
  for (const char* const text :
       {"", "a:b@c", "ssh://git@host/a", "http://host:80/a@b", "http://[::1]:80/a@b",
        "http://host/me:sesame@b", "http://host mail me:you@host", "a://", "://", "http://$HOST/a",
        "file:///a:b@c"}) {
    CAPTURE(text);
    CHECK(mask_url_passwords(text) == text);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::url_password_test
