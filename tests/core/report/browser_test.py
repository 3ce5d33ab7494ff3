"""The pages in a headless Chromium; fails where none is installed.

Usage: browser_test.py WRITE_SAMPLE_PAGE
"""

import base64
import csv
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import browser

KINDS = ("evaluation", "rules", "prediction", "screen")
SECTIONS = {
    "evaluation": ["Model, split and training", "Scores", "Genes", "Dose response", "Gene network",
                   "Training", "What was scored", "How to read this page"],
    "rules": ["B cell", "T cell", "How to read this page"],
    "prediction": ["What was asked", "Model, split and training",
                   "What to know of the control cells", "Perturbations", "STAT1",
                   "a perturbation with a long name 1", "a perturbation with a long name 2",
                   "How to read this page"],
    "screen": ["Ranking", "Volcano plots", "Rows that were not predicted",
               "What to know of the control cells", "What was asked", "Model, split and training",
               "How to read this page"],
}
# Fonts of every kind: narrow, wide, and whatever is at hand.
FONTS = ("", "sans-serif", "serif", "monospace", "fantasy")
LABELS_OUTSIDE = """[...document.querySelectorAll('svg')].flatMap((plot) => {
  const box = plot.getBoundingClientRect();
  return [...plot.querySelectorAll('text')].filter((text) => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > box.right + 1 ||
           own.top < box.top - 1 || own.bottom > box.bottom + 1;
  }).map((text) => plot.getAttribute('aria-label') + ': ' + text.textContent);
})"""
# Names of genes in a scatter plot that touch each other or its annotation. A text's rectangle is as
# high as its font's line, of which letters cover the middle.
LABELS_TOUCHING = """[...document.querySelectorAll('svg')].flatMap((plot) => {
  const texts = [...plot.querySelectorAll('.gene-name, .annotation')].map((text) => {
    const box = text.getBoundingClientRect(), part = box.height / 8;
    return {name: text.textContent, left: box.left, right: box.right,
            top: box.top + part, bottom: box.bottom - part};
  });
  return texts.flatMap((a, k) => texts.slice(k + 1).filter((b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
  ).map((b) => a.name + ' and ' + b.name));
})"""
# Contrast of a text with the page behind it, by WCAG 2; colours are written rgb(r, g, b).
CONTRAST = """(selector) => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const value = part / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const element = document.querySelector(selector);
  if (element === null) return null;
  let behind = element;
  while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') {
    behind = behind.parentElement;
  }
  const a = light(getComputedStyle(element).color);
  const b = light(getComputedStyle(behind || document.body).backgroundColor);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
# Text that is shown smaller than 14 pixels, with its size; that of plots as they are scaled.
SMALL_TEXT = """[...document.querySelectorAll('body *')].flatMap((element) => {
  if (['SCRIPT', 'OPTION'].includes(element.nodeName)) return [];
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || element.getClientRects().length === 0) return [];
  const plot = element.closest('svg');
  const scale = plot ? plot.getBoundingClientRect().width / plot.viewBox.baseVal.width : 1;
  const size = parseFloat(getComputedStyle(element).fontSize) * scale;
  return size < 13.9 ? [size.toFixed(1) + ' ' + element.textContent.trim().slice(0, 40)] : [];
})"""
# A column of the first table in a selector, as it is shown, top to bottom.
COLUMN = """(selector, k) => [...document.querySelector(selector + ' table').tBodies[0].rows]
  .filter((row) => !row.hidden).map((row) => row.cells[k].textContent)"""


class PagesInBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # What a killed process of the browser still writes is left behind.
        cls.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(cls.folder.cleanup)
        cls.urls = {}
        for kind in KINDS:
            page = pathlib.Path(cls.folder.name) / f"{kind}.html"
            subprocess.run([WRITE_SAMPLE_PAGE, kind, str(page)], check=True)
            cls.urls[kind] = page.as_uri()
        cls.browser = browser.Browser(CHROMIUM, f"{cls.folder.name}/profile")
        cls.addClassCleanup(cls.browser.close)

    def open(self, kind, **show):
        self.browser.events.clear()
        self.browser.show(**show)
        self.browser.open(self.urls[kind])

    def pages(self, **show):
        """Opens one kind of page after the other."""
        for kind in KINDS:
            self.open(kind, **show)
            yield kind

    def evaluate(self, expression):
        return self.browser.evaluate(expression)

    def events(self, *methods):
        return [event["params"] for event in self.browser.events if event["method"] in methods]

    def assert_no_complaints(self):
        self.assertEqual(self.events("Runtime.exceptionThrown", "Runtime.consoleAPICalled",
                                     "Log.entryAdded", "Network.loadingFailed"), [])

    def use_font(self, family):
        """Shows all text in another font; "" is the page's own. The policy forbids style elements."""
        self.evaluate(
            "(() => { const sheet = new CSSStyleSheet();"
            f"  if ('{family}') sheet.replaceSync("
            f"    '*, svg text {{ font-family: {family} !important; }}');"
            "  document.adoptedStyleSheets = [sheet]; })()")

    def test_load_without_errors_and_ask_for_nothing_but_themselves(self):
        for kind in self.pages():
            self.assert_no_complaints()
            urls = [each["request"]["url"] for each in self.events("Network.requestWillBeSent")]
            self.assertEqual(urls, [self.urls[kind]])
            self.assertEqual(self.evaluate("document.documentElement.className"), "js")

    def test_show_every_section_and_list_it(self):
        for kind in self.pages():
            self.assertEqual(self.evaluate(
                "[...document.querySelectorAll('h2')].map((each) => each.textContent)"),
                SECTIONS[kind])
            self.assertEqual(self.evaluate(
                "[...document.querySelectorAll('.contents a')].map((each) =>"
                "  document.querySelector(each.getAttribute('href') + ' h2').textContent)"),
                SECTIONS[kind])
            self.assertIn("sample <", self.evaluate("document.title"))

    def test_a_policy_keeps_scripts_from_outside_out(self):
        for kind in self.pages():
            self.assertIsNone(self.evaluate(
                "(() => { const script = document.createElement('script');"
                "  script.textContent = 'window.broken = true'; document.head.append(script);"
                "  return window.broken; })()"), kind)

    def test_are_no_wider_than_the_window_in_any_font(self):
        for kind in self.pages():
            for family in FONTS:
                self.use_font(family)
                for width in (1600, 1240, 900, 480, 360):
                    self.browser.show(width=width)
                    self.assertLessEqual(self.evaluate("document.documentElement.scrollWidth"),
                                         width, f"{kind} {family}")

    def test_tables_are_whole_on_a_desktop(self):
        for kind in self.pages(width=1240):
            self.assertEqual(self.evaluate(
                "[...document.querySelectorAll('.scroll')].filter((frame) =>"
                "  frame.scrollWidth > frame.clientWidth + 1).map((frame) =>"
                "  frame.scrollWidth + ' ' + frame.textContent.slice(0, 60))"), [], kind)

    def test_text_is_readable_on_a_phone(self):
        for kind in self.pages(width=360):
            self.assertGreater(self.evaluate("document.querySelectorAll('td').length"), 20)
            self.assertEqual(self.evaluate(SMALL_TEXT), [], kind)

    def test_every_column_of_a_row_is_in_sight_on_a_phone(self):
        for kind in self.pages(width=360):
            outside = self.evaluate(
                "[...document.querySelectorAll('td')].filter((cell) => cell.offsetParent &&"
                "  (cell.getBoundingClientRect().right > 361 ||"
                "   getComputedStyle(cell, '::before').content === 'none'))"
                "  .map((cell) => cell.textContent)")
            self.assertEqual(outside, [], kind)
        self.open("evaluation", width=360)
        self.assertEqual(self.evaluate(
            "[...document.querySelector('.table tbody tr').cells].map((cell) => cell.dataset.label)"
            ".slice(1, 4)"), ["model", "no change", "mean shift"])

    def test_every_plot_is_drawn_and_named(self):
        for kind in self.pages():
            plots = self.evaluate(
                "[...document.querySelectorAll('svg')].map((plot) => [plot.getBBox().width, "
                "plot.getBoundingClientRect().width, plot.getAttribute('aria-label')])")
            self.assertGreater(len(plots), 50 if kind == "evaluation" else 1)
            for drawn, shown, label in plots:
                self.assertGreater(drawn, 50, label)
                self.assertGreater(shown, 50, label)
                self.assertTrue(label)

    def test_labels_stay_within_their_plots_in_any_font(self):
        for kind in self.pages():
            for family in FONTS:
                self.use_font(family)
                self.assertGreater(self.evaluate("document.querySelectorAll('svg text').length"), 10)
                self.assertEqual(self.evaluate(LABELS_OUTSIDE), [], f"{kind} {family}")

    def test_names_of_genes_do_not_touch_in_any_font(self):
        for kind in ("evaluation", "prediction", "screen"):
            self.open(kind)
            for family in FONTS:
                self.use_font(family)
                self.assertGreater(self.evaluate(
                    "document.querySelectorAll('svg .gene-name').length"), 10)
                self.assertEqual(self.evaluate(LABELS_TOUCHING), [], f"{kind} {family}")

    def test_text_stands_out_in_light_and_in_dark(self):
        for kind in self.pages():
            papers = set()
            for colours in ("light", "dark"):
                self.browser.show(colours=colours)
                papers.add(self.evaluate("getComputedStyle(document.body).backgroundColor"))
                for selector in ("p", ".note", "thead th", "tbody td:nth-child(2)", "figcaption",
                                 ".light.good", ".light.care", ".light.bad", ".badge.good",
                                 ".badge.care", ".badge.bad", ".tools button"):
                    contrast = self.evaluate(f"({CONTRAST})('{selector}')")
                    if contrast is not None:
                        self.assertGreater(contrast, 3.5, f"{selector} of {kind} in {colours}")
            self.assertEqual(len(papers), 2)

    def test_print_on_white_paper_whatever_the_screen_shows(self):
        for kind in self.pages(colours="dark", medium="print"):
            paper = self.evaluate("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(paper, "rgb(255, 255, 255)")
        pdf = base64.b64decode(self.browser.call("Page.printToPDF")["data"])
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(re.findall(rb"/Type\s*/Page\b", pdf)), 2)

    # --- tables -----------------------------------------------------------------------------------

    def column(self, number, selector="section"):
        return self.evaluate(f"({COLUMN})('{selector}', {number})")

    def click_header(self, number):
        self.evaluate(f"document.querySelectorAll('table')[0].tHead.rows[0].cells[{number}]"
                      ".querySelector('button').click()")

    def search(self, text):
        self.evaluate("(() => { const field = document.querySelector('input[type=search]');"
                      f"  field.value = '{text}'; field.dispatchEvent(new Event('input')); }})()")

    def test_a_click_on_a_header_sorts_and_another_turns_round(self):
        self.open("screen")
        first = self.column(0)
        self.click_header(1)
        ranks = [int(rank) for rank in self.column(1)]
        self.assertEqual(ranks, list(range(150, 50, -1)))
        self.assertEqual(self.evaluate("document.querySelector('[aria-sort]').ariaSort"),
                         "descending")
        self.click_header(1)
        self.assertEqual(self.column(0), first)
        self.assertEqual(self.evaluate("document.querySelectorAll('[aria-sort]').length"), 1)
        self.click_header(0)
        names = self.column(0)
        self.assertTrue(names[0].startswith("a perturbation"), names[0])
        self.assert_no_complaints()

    def test_what_is_missing_comes_last_however_it_is_sorted(self):
        self.open("evaluation")
        tables = "document.querySelectorAll('figure.table table')"
        index = self.evaluate(f"[...{tables}].findIndex((table) => [...table.tBodies[0].rows].every("
                              "(row) => row.cells[2].textContent === '\u2013'))")
        self.assertGreaterEqual(index, 0, "the sample has a column of missing values")
        self.evaluate(f"{tables}[{index}].tBodies[0].rows[2].cells[2].textContent = '0.5'")
        for _ in range(2):
            self.evaluate(f"{tables}[{index}].tHead.rows[0].cells[2].querySelector('button').click()")
            self.assertEqual(self.evaluate(f"{tables}[{index}].tBodies[0].rows[0].cells[2].textContent"),
                             "0.5")

    def test_a_search_shows_the_rows_that_hold_every_word(self):
        self.open("screen")
        self.assertEqual(len(self.column(0)), 100)
        texts = self.evaluate("[...document.querySelector('table').tBodies[0].rows]"
                              ".map((row) => row.textContent)")
        # The words may stand anywhere in a row.
        expected = [text for text in texts if "name" in text and "12" in text]
        self.assertGreater(len(expected), 5)
        self.search("12 NAME")
        self.assertEqual(self.evaluate("document.querySelector('.count').textContent"),
                         f"{len(expected)} of 150 rows")
        self.assertEqual(len(self.column(0)), len(expected))
        self.click_header(1)
        self.assertEqual(len(self.column(0)), len(expected))
        self.search("no such row")
        self.assertEqual(self.column(0), [])
        self.search("")
        self.evaluate("document.querySelector('.more').click()")
        self.assertEqual(len(self.column(0)), 150)
        self.assert_no_complaints()

    def export(self, number):
        """The CSV of a table by its number on the page: file name and rows."""
        self.evaluate(
            "(() => { window.saved = null; const make = URL.createObjectURL;"
            "  URL.createObjectURL = (blob) => { blob.text().then((text) => {"
            "    window.saved = text; }); return make(blob); };"
            "  HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };"
            f"  document.querySelectorAll('button.csv')[{number}].click(); }})()")
        text = self.browser.call("Runtime.evaluate", awaitPromise=True, returnByValue=True,
                                 expression="new Promise((done) => { const look = () => "
                                 "window.saved === null ? setTimeout(look, 5) : done(window.saved);"
                                 " look(); })")["result"]["value"]
        self.assertTrue(text.endswith("\r\n"))
        return (self.evaluate("window.savedAs"),
                list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))))

    def test_a_table_is_saved_as_it_is_searched_and_sorted(self):
        self.open("screen")
        self.search("mine 148")
        name, rows = self.export(0)
        self.assertEqual(name, "ranking-perturbations.csv")
        self.assertEqual(rows[0][:3], ["perturbation", "perturbation (note)", "rank"])
        self.assertIn("mine 148", [row[1] for row in rows[1:]])
        self.assertEqual(len(rows) - 1, len(self.column(0)))
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        error = rows[0].index("predicted error")
        self.assertEqual(rows[1][error + 1], "\u22120.01 to 0.73")
        self.assertGreater(float(rows[1][error]), 0)
        self.assert_no_complaints()

    def test_a_saved_name_is_no_formula_and_keeps_its_quotes(self):
        self.open("prediction")
        names, tables = [], self.evaluate("document.querySelectorAll('button.csv').length")
        for number in range(tables):
            names += [row[0] for row in self.export(number)[1]]
        self.assertIn("'=a <gene> with, quite a \"long\" name", names)

    def test_numbers_are_saved_as_numbers(self):
        self.open("evaluation")
        _, rows = self.export(0)
        self.assertEqual(rows[0][0], "group")
        self.assertEqual(rows[-1][0], "mean of 5")
        self.assertTrue(all(float(row[2]) > -10 for row in rows[1:]), rows)

    def test_a_phone_has_a_list_to_sort_by(self):
        self.open("screen", width=360)
        self.assertGreater(self.evaluate("document.querySelector('select.picker').offsetWidth"), 50)
        self.evaluate("(() => { const list = document.querySelector('select.picker');"
                      "  list.value = '1'; list.dispatchEvent(new Event('change')); })()")
        self.assertEqual(self.column(1)[0], "150")
        self.assertEqual(len(self.column(1)), 10)


if __name__ == "__main__":
    WRITE_SAMPLE_PAGE = sys.argv.pop(1)
    CHROMIUM = browser.find()
    if CHROMIUM is None:
        sys.exit("browser_test: found no Chromium on PATH; scripts/install-deps.sh installs the package "
                 "'chromium'")
    unittest.main()
