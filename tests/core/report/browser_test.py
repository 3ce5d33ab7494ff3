"""The report in a headless Chromium; fails where none is installed.

Usage: browser_test.py WRITE_SAMPLE_PAGE
"""

import base64
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import browser

SECTIONS = ["Scores", "Genes", "Dose response", "Gene network", "Training", "What was scored",
            "How to read this page"]
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
LABELS_TOUCHING = """[...document.querySelectorAll('.scatter svg')].flatMap((plot) => {
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
  const a = light(getComputedStyle(document.querySelector(selector)).color);
  const b = light(getComputedStyle(document.body).backgroundColor);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


class ReportInBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        page = pathlib.Path(cls.folder.name) / "report.html"
        subprocess.run([WRITE_SAMPLE_PAGE, str(page)], check=True)
        cls.url = page.as_uri()
        cls.browser = browser.Browser(CHROMIUM, f"{cls.folder.name}/profile")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.browser.close)
        cls.browser.open(cls.url)

    def events(self, *methods):
        return [event["params"] for event in self.browser.events if event["method"] in methods]

    def test_loads_without_errors_or_warnings(self):
        self.assertEqual(self.events("Runtime.exceptionThrown", "Runtime.consoleAPICalled",
                                     "Log.entryAdded", "Network.loadingFailed"), [])

    def test_asks_for_nothing_but_itself(self):
        urls = [request["request"]["url"] for request in self.events("Network.requestWillBeSent")]
        self.assertEqual(urls, [self.url])

    def test_shows_every_section(self):
        headings = self.browser.evaluate(
            "[...document.querySelectorAll('h2')].map((heading) => heading.textContent)")
        self.assertEqual(headings, SECTIONS)
        self.assertEqual(self.browser.evaluate("document.title"), "sample <model> & page")

    def use_font(self, family):
        """Shows all text in another font until the test ends; "" is the page's own."""
        self.browser.evaluate(
            "(() => { document.getElementById('other-font')?.remove();"
            "  const style = document.createElement('style'); style.id = 'other-font';"
            f"  style.textContent = '{family}' &&"
            f"    '*, svg text {{ font-family: {family} !important; }}';"
            "  document.head.append(style); })()")
        self.addCleanup(self.browser.evaluate, "document.getElementById('other-font')?.remove()")

    def test_is_no_wider_than_the_window_in_any_font(self):
        for family in FONTS:
            self.use_font(family)
            for width in (1600, 1240, 900, 480):
                self.browser.show(width=width)
                self.assertLessEqual(self.browser.evaluate("document.body.scrollWidth"), width, family)

    def test_every_plot_is_drawn_and_named(self):
        self.browser.show()
        plots = self.browser.evaluate(
            "[...document.querySelectorAll('svg')].map((plot) => [plot.getBBox().width, "
            "plot.getBoundingClientRect().width, plot.getAttribute('aria-label')])")
        self.assertGreater(len(plots), 50)
        for drawn, shown, label in plots:
            self.assertGreater(drawn, 50, label)
            self.assertGreater(shown, 50, label)
            self.assertTrue(label)

    def test_labels_stay_within_their_plots_in_any_font(self):
        self.browser.show()
        for family in FONTS:
            self.use_font(family)
            self.assertGreater(self.browser.evaluate("document.querySelectorAll('svg text').length"),
                               500)
            self.assertEqual(self.browser.evaluate(LABELS_OUTSIDE), [], family)

    def test_names_of_genes_do_not_touch_in_any_font(self):
        self.browser.show()
        for family in FONTS:
            self.use_font(family)
            self.assertGreater(self.browser.evaluate(
                "document.querySelectorAll('.scatter .gene-name').length"), 20)
            self.assertEqual(self.browser.evaluate(LABELS_TOUCHING), [], family)

    def test_text_stands_out_in_light_and_in_dark(self):
        papers = set()
        for colours in ("light", "dark"):
            self.browser.show(colours=colours)
            papers.add(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"))
            for selector in ("p", ".note", "thead th", "tbody td:nth-child(2)", "figcaption"):
                contrast = self.browser.evaluate(f"({CONTRAST})('{selector}')")
                self.assertGreater(contrast, 3.5, f"{selector} in {colours}")
        self.assertEqual(len(papers), 2)

    def test_prints_on_white_paper_whatever_the_screen_shows(self):
        self.browser.show(colours="dark", medium="print")
        paper = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(paper, "rgb(255, 255, 255)")
        pdf = base64.b64decode(self.browser.call("Page.printToPDF")["data"])
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(re.findall(rb"/Type\s*/Page\b", pdf)), 2)


if __name__ == "__main__":
    WRITE_SAMPLE_PAGE = sys.argv.pop(1)
    CHROMIUM = browser.find()
    if CHROMIUM is None:
        sys.exit("browser_test: found no Chromium on PATH; scripts/install-deps.sh installs the package "
                 "'chromium'")
    unittest.main()
