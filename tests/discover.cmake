# tests/discover.cmake - lists the test cases of one doctest executable for ctest.
#
#   cmake -D EXECUTABLE=... -D OUTPUT=... -D TIMEOUT_S=... -D LABEL=... [-D JITTER=...] -P discover.cmake
#
# Writes OUTPUT, a file of add_test() calls: one per case, named "suite: case". A case is run by its
# number in doctest's order (--first/--last; stable, since the list is made anew after each link).
# Not chosen: doctest's own doctest_discover_tests. It passes names through CMake lists and doctest's
# wildcard filters, so a name with [ ; \ * or , runs another set of cases, or none, and passes.
#
# With JITTER, a seed, each suite runs once more as a whole under scheduling jitter: the same behaviour
# is due in another order. Suites named */slow do not.

cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND "${EXECUTABLE}" --reporters=xml --list-test-cases
  OUTPUT_VARIABLE listing
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${EXECUTABLE} --list-test-cases failed (${status}):\n${listing}")
endif()

# What CMake's lists and ctest's names cannot carry is replaced; it only changes the name shown.
string(REPLACE ";" "," listing "${listing}")
string(REPLACE "[" "(" listing "${listing}")
string(REPLACE "]" ")" listing "${listing}")
string(REPLACE "\\" "/" listing "${listing}")
string(REGEX MATCHALL "<TestCase [^\n]*" cases "${listing}")

set(script "")
set(number 0)
set(seen "")
set(suites "")
foreach(case IN LISTS cases)
  math(EXPR number "${number} + 1")
  set(suite "${LABEL}")
  if(case MATCHES "testsuite=\"([^\"]*)\"")
    set(suite "${CMAKE_MATCH_1}")
  endif()
  if(NOT case MATCHES " name=\"([^\"]*)\"")
    message(FATAL_ERROR "test case without a name: ${case}")
  endif()
  set(name "${suite}: ${CMAKE_MATCH_1}")
  string(REPLACE "&quot,"  "'" name "${name}")
  string(REPLACE "&lt,"  "<" name "${name}")
  string(REPLACE "&gt,"  ">" name "${name}")
  string(REPLACE "&amp," "&" name "${name}")
  if(name IN_LIST seen)
    string(APPEND name " #${number}")
  endif()
  list(APPEND seen "${name}")
  list(APPEND suites "${suite}")
  set(labels "${LABEL}")
  if(suite MATCHES "/slow$")  # `ctest -LE slow` leaves it out
    string(APPEND labels ";slow")
  endif()
  string(APPEND script
    "add_test([==[${name}]==] [==[${EXECUTABLE}]==] --first=${number} --last=${number})\n"
    "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT ${TIMEOUT_S} LABELS [==[${labels}]==])\n")
endforeach()

# Whole suites in one process: their tests of crashes fork after threads have run, which TSan allows
# only if told so.
if(JITTER)
  list(REMOVE_DUPLICATES suites)
  list(FILTER suites EXCLUDE REGEX "/slow$")
  foreach(suite IN LISTS suites)
    string(APPEND script
      "add_test([==[jitter ${JITTER}: ${suite}]==] [==[${EXECUTABLE}]==] [==[--test-suite=${suite}]==])\n"
      "set_tests_properties([==[jitter ${JITTER}: ${suite}]==] PROPERTIES TIMEOUT ${TIMEOUT_S}"
      " ENVIRONMENT \"GORUN_JITTER=${JITTER};TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:atexit_sleep_ms=0:die_after_fork=0\" LABELS [==[${LABEL};jitter]==])\n")
  endforeach()
endif()

if(number EQUAL 0)
  message(FATAL_ERROR "${EXECUTABLE} lists no test case:\n${listing}")
endif()
file(WRITE "${OUTPUT}" "${script}")
