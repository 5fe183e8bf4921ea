// tests/jobs/records/random_documents.h - JSON documents that differ in their values, and now and
// then in something else.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "jobs/stage_options.h"

namespace gorun::test {

/// Of values of all forms, right and wrong.
inline constexpr unsigned kOften = 4;

inline std::string random_digits(std::mt19937& random, std::size_t most) {
  std::string text(1 + random() % most, '\0');
  for (char& c : text) c = static_cast<char>('0' + random() % 10);
  return text;
}

/// What may stand in the place of a value; mostly of one kind.
/// odd  one in so many is not of the usual form; kOften: also of those there are all kinds
inline std::string random_scalar(std::mt19937& random, std::size_t kind, unsigned odd) {
  static const std::vector<std::string> kStrings = {"",
                                                    "a",
                                                    "200",
                                                    "a string of more than sixteen bytes",
                                                    "{\"x\":",
                                                    "],}[",
                                                    "\xc3\xa9",
                                                    R"(\")",
                                                    R"(\\)",
                                                    R"(\\\")",
                                                    R"(C:\\dir\\)",
                                                    R"(\u00e9 \n)",
                                                    R"(\ud83d\ude00)",
                                                    R"(\ud83d)",
                                                    R"(\x)",
                                                    "a\tb",
                                                    std::string(200, 'x'),
                                                    std::string(70, 'y') + R"(\\)"};
  static const std::vector<std::string> kNumbers = {
      "0",    "-0",  "7",     "-12", "3.50",  "1e3",     "-0.0", "2E-2", "00",
      "01",   "-",   "1.",    ".5",  "1e",    "1e+",     "+1",   "- 1",  "1-",
      "1.5.", "-01", "1e400", "0.1", "12.75", "-3.25e7", "1.0e5"};
  static const std::vector<std::string> kWords = {"true", "false", "null",     "tru",
                                                  "nulL", "falsE", "truefalse"};
  if (random() % (3 * odd) == 0) kind = random() % 3;
  // What comes first is right.
  const bool is_usual = random() % odd != 0;
  if (kind == 0) {
    return '"' + (is_usual ? random_digits(random, 12) : kStrings[random() % kStrings.size()]) +
           '"';
  }
  if (kind == 1) {
    if (!is_usual) return kNumbers[random() % kNumbers.size()];
    if (odd > kOften) return std::to_string(random() >> random() % 32);
    return std::to_string(random() % 100) + (random() % 3 == 0 ? random_digits(random, 70) : "");
  }
  return kWords[random() % (is_usual ? 3 : kWords.size())];
}

/// A text between values, or the place of a value of a kind.
struct Part {
  std::string text;
  std::size_t kind;  // 0 to 2: a scalar; 3: an array; 4: no value
};

/// The parts of a document, the same for all of one shape.
inline void add_object(std::mt19937& random, int depth, bool has_feeds, std::vector<Part>* parts) {
  static const std::vector<std::string> kKeys = {
      "a",       "b",   "c",
      "d",       "e",   "a key that does not fit two words",
      "",        "a/b", std::string(120, 'k'),
      "\xc3\xa9"};
  const auto blank = [&] {
    static const std::vector<std::string> kBlanks = {"", "", "", " ", "\t", "\r", "\n"};
    return kBlanks[random() % (kBlanks.size() - (has_feeds ? 0 : 1))];
  };
  std::string text = "{" + blank();
  const auto count = random() % 6;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += "," + blank();
    text += '"' + kKeys[random() % kKeys.size()] + '"' + blank() + ":" + blank();
    if (depth > 0 && random() % 4 == 0) {
      parts->push_back({text, 4});
      add_object(random, depth - 1, has_feeds, parts);
    } else {
      parts->push_back({text, random() % 4});
    }
    text = blank();
  }
  parts->push_back({text + "}", 4});
}

/// odd  as above; fewer have a byte that is wrong
inline std::string random_document(std::mt19937& random, const std::vector<Part>& parts,
                                   unsigned odd) {
  std::string text;
  for (const Part& part : parts) {
    text += part.text;
    if (part.kind < 3) text += random_scalar(random, part.kind, odd);
    if (part.kind != 3) continue;
    text += "[";
    for (auto n = random() % 4; n > 0; --n) {
      text += random_scalar(random, random() % 3, odd) + (n > 1 ? ", " : "");
    }
    text += random() % (8 * odd) == 0 ? "" : "]";
  }
  // A byte that is wrong, and a document that has a line more or less.
  if (random() % (4 * odd) == 0)
    text[random() % text.size()] = "{}[]\",:\\ 1.-eu\x01\xff\n"[random() % 17];
  if (random() % (16 * odd) == 0) text.insert(random() % text.size(), "\"");
  return text;
}

inline const std::vector<jobs::NamedTexts>& wanted_fields() {
  static const std::vector<jobs::NamedTexts> kWanted = {
      {{"a", "/a"}},
      {{"a", "/a"}, {"b", "/b"}, {"again", "/a"}},
      {{"deep", "/a/b"}, {"c", "/c"}, {"deeper", "/a/a/a"}, {"none", "/nowhere"}},
      {{"slash", "/a~1b"}, {"empty", "/"}, {"long", "/a key that does not fit two words"}},
      {{"all", ""}},
      {}};
  return kWanted;
}

}  // namespace gorun::test
