"""Checks of how lengths.py counts: what it takes for a function, and what excuses a long one."""

import unittest

import lengths


def body(lines):
    return "".join(f"  Call({line});\n" for line in range(lines))


class Lengths(unittest.TestCase):
    def names(self, code):
        return [(name, last - first + 1) for name, first, last in lengths.functions(code)]

    def test_finds_functions_methods_and_tests(self):
        code = """namespace a {
struct Point {
  int x = 0;
  int X() const { return x; }
};
template <class T>
Point::Point(T t) : x{t}, y_(1) {
  Call();
}
TEST(Group, Name) {
  Call();
}
}  // namespace a
"""
        self.assertEqual(self.names(code), [("X", 1), ("Point::Point", 4), ("TEST(Group, Name)", 3)])

    def test_counts_a_lambda_as_part_of_its_function(self):
        self.assertEqual(self.names("void F() {\n  Each([](int i) {\n    G(i);\n  });\n}\n"), [("F", 5)])

    def test_is_not_misled_by_braces_in_text(self):
        code = 'void F() {\n  // {\n  G("{", \'{\', R"({{)", 1\'000);\n}\n#define M {\nvoid H() {}\n'
        self.assertEqual(self.names(code), [("F", 4), ("H", 1)])

    def test_reports_a_long_function(self):
        code = f"void F() {{\n{body(lengths.MAX_FUNCTION)}}}\n"
        self.assertEqual(lengths.too_long(code), ["1: F has 62 lines, more than 60"])
        self.assertEqual(lengths.too_long(f"void F() {{\n{body(lengths.MAX_FUNCTION - 2)}}}\n"), [])

    def test_reports_a_long_file(self):
        code = "int x;\n" * (lengths.MAX_FILE + 1)
        self.assertEqual(lengths.too_long(code), ["1: the file has 301 lines, more than 300"])
        self.assertEqual(lengths.too_long("int x;\n" * lengths.MAX_FILE), [])

    def test_a_reason_excuses_only_what_it_stands_beside(self):
        long = f"void F() {{\n{body(lengths.MAX_FUNCTION)}}}\n"
        self.assertEqual(lengths.too_long("// Long because it lists all keys.\n" + long), [])
        self.assertEqual(len(lengths.too_long("// Long because it lists all keys.\n\n" + long)), 1)
        self.assertEqual(len(lengths.too_long("// Long because\n" + long)), 1)
        lines = "int x;\n" * lengths.MAX_FILE
        self.assertEqual(lengths.too_long("// A list.\n// Long because it is one.\n" + lines), [])
        self.assertEqual(len(lengths.too_long(lines + "// Long because it is one.\n")), 1)


if __name__ == "__main__":
    unittest.main(argv=["lengths_test"])
