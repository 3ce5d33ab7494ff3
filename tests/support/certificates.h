// Authority makes certificates for tests of TLS.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace unlasting::test {

// An authority, and certificates that it signs, made by the openssl program.
class Authority {
 public:
  explicit Authority(const std::string& stem) : stem_(stem) {
    Run(absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 ",
        "-subj /CN=test-authority -keyout ", stem, ".key -out ", stem, ".pem 2>/dev/null"));
  }

  std::string certificate() const { return stem_ + ".pem"; }

  // Writes `stem`.key and `stem`.pem.
  void Sign(const std::string& name, const std::string& stem) const {
    std::ofstream(stem + ".ext") << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    Run(absl::StrCat("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=",
                     name, " -keyout ", stem, ".key -out ", stem, ".csr 2>/dev/null"));
    Run(absl::StrCat("openssl x509 -req -days 2 -in ", stem, ".csr -CA ", stem_, ".pem -CAkey ",
                     stem_, ".key -CAcreateserial -extfile ", stem, ".ext -out ", stem,
                     ".pem 2>/dev/null"));
  }

 private:
  static void Run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  const std::string stem_;
};

}  // namespace unlasting::test
