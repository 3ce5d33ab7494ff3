"""How long C++ files and functions are, without a compiler."""

import re

MAX_FILE = 300
MAX_FUNCTION = 60
REASON = re.compile(r"//.*\bLong because \w+")


def blank(code):
    """`code` with comments, strings and preprocessor lines as spaces; line ends stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
        r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\''
        r'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.DOTALL | re.MULTILINE)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), code)


def functions(code):
    """(name, first line, last line) of each function with a body, counted from 1. A lambda is part
    of the function that it is in."""
    text = blank(code)
    found = []
    scopes = []  # per open brace: the function it opens or None, what was open outside it
    inside = 0   # open braces since the outermost function's own
    start = 0    # where the statement before a brace began
    parentheses = 0
    for at, character in enumerate(text):
        if character in "()":
            parentheses += 1 if character == "(" else -1
        elif character == ";" and not parentheses:
            start = at + 1
        elif character == "{":
            opened = None
            statement = text[start:at]
            # x{1} among a constructor's initializers belongs to the statement around it.
            initializer = re.search(r"\)[^;]*(?<!:)[:,](?!:)\s*[\w:]+\s*$", statement)
            if not initializer and not inside and not parentheses and is_function(statement):
                first = start + len(statement) - len(statement.lstrip())
                opened = (name_of(statement), text.count("\n", 0, first) + 1)
            if inside or opened:
                inside += 1
            scopes.append((opened, parentheses, start if initializer else None))
            parentheses = 0
            start = at + 1
        elif character == "}" and scopes:
            opened, parentheses, outer_start = scopes.pop()
            if inside:
                inside -= 1
            if opened:
                found.append((*opened, text.count("\n", 0, at) + 1))
            start = at + 1 if outer_start is None else outer_start
    return found


def is_function(statement):
    if "(" not in statement or re.search(r"\b(namespace|extern)\b[^(]*$", statement):
        return False
    return not re.match(r"\s*(template\s*<.*>\s*)?(class|struct|union|enum)\b[^(]*$", statement,
                        re.DOTALL)


def name_of(statement):
    match = re.search(r"([\w:~]+|operator\s*\S+)\s*\(([^()]*)", statement)
    if match and match[1] in ("TEST", "TEST_F", "TEST_P"):
        return f"{match[1]}({match[2].strip()})"
    return match[1] if match else statement.strip().split("\n")[0]


def excused(lines, first, last):
    """Whether a reason stands in the comment above line `first` or on the lines up to `last`."""
    above = first - 1
    while above > 0 and lines[above - 1].lstrip().startswith("//"):
        above -= 1
    return any(REASON.search(line) for line in lines[above:last])


def too_long(code):
    """One line of text per file or function that is too long and gives no reason."""
    lines = code.splitlines()
    problems = []
    if len(lines) > MAX_FILE:
        # The reason of a file stands above its first line of code.
        code_starts = next((number for number, line in enumerate(blank(code).splitlines())
                            if line.strip()), 0)
        if not any(REASON.search(line) for line in lines[:code_starts]):
            problems.append(f"1: the file has {len(lines)} lines, more than {MAX_FILE}")
    for name, first, last in functions(code):
        length = last - first + 1
        if length > MAX_FUNCTION and not excused(lines, first, last):
            problems.append(f"{first}: {name} has {length} lines, more than {MAX_FUNCTION}")
    return problems
