// cli/main.cc - the gorun command.

#include <cstdio>

#include "cli/version_line.h"

int main() { return std::puts(gorun::cli::version_line().c_str()) < 0 ? 74 : 0; }
