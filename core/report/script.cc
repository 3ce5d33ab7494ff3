#include "core/report/script.h"

namespace unlasting::report {

const char kScript[] = R"js((() => {
'use strict';
const ROWS_WITHOUT_SEARCH = 8, READABLE = 14;
const narrow = matchMedia('(max-width: 640px)');
// Long tables begin with these.
const rowsAtOnce = () => narrow.matches ? 10 : 100;
document.documentElement.classList.add('js');

const make = (name, properties) => Object.assign(document.createElement(name), properties);
const isSmall = (node) => node.nodeName === 'SMALL';
const textOf = (nodes) => nodes.map((node) => node.textContent).join(' ').trim();
const shownText = (cell) => textOf([...cell.childNodes].filter((node) => !isSmall(node)));
const smallText = (cell) => textOf([...cell.childNodes].filter(isSmall));
const valueOf = (cell) => cell.dataset.v === undefined ? shownText(cell) : cell.dataset.v;
const isMissing = (value) => value === '' || value === '\u2013';
const plain = (value) => value.replace(/\u2212/g, '-').replace(/(\d),(?=\d{3})/g, '$1');
const numberOf = (value) => value.trim() === '' ? NaN : Number(plain(value));

const csvField = (value) => {
  if (isMissing(value)) return '';
  const number = numberOf(value);
  // A spreadsheet would take a name that begins so for a formula.
  const text = !isNaN(number) ? plain(value) : /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
  return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
};

const csvOf = (headers, rows) => {
  const noted = headers.map((unused, k) => rows.some((row) => row[k] && smallText(row[k]) !== ''));
  const fields = (cells, value, note) => cells.flatMap((cell, k) =>
    noted[k] ? [csvField(value(cell)), csvField(note(cell))] : [csvField(value(cell))]).join(',');
  const lines = [fields(headers, shownText, (cell) => shownText(cell) + ' (note)')];
  for (const row of rows) lines.push(fields(row, valueOf, smallText));
  return lines.join('\r\n') + '\r\n';
};

const save = (name, text) => {
  const link = make('a', {
    href: URL.createObjectURL(new Blob(['\ufeff' + text], {type: 'text/csv'})), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

const nameOf = (table) => {
  const figure = table.closest('figure, details');
  const caption = figure && figure.querySelector('figcaption b, summary');
  const section = table.closest('section');
  const heading = section && section.querySelector('h2');
  return [heading, caption].filter(Boolean).map((each) => each.textContent.trim())
    .filter((each, k, all) => all.indexOf(each) === k).join(' ') || 'table';
};

const enhance = (table) => {
  const body = table.tBodies[0];
  if (!table.tHead || !body || table.classList.contains('plain')) return;
  const headers = [...table.tHead.rows[0].cells];
  const cellsOf = (row) => [...row.cells];
  const rows = [...body.rows];
  const name = nameOf(table);
  const tools = make('div', {className: 'tools'});
  let found = rows, all = false, sortedBy = -1, descending = false, labelled = false;

  const count = make('span', {className: 'count'});
  count.setAttribute('aria-live', 'polite');
  const more = make('button', {type: 'button', className: 'more'});
  const show = () => {
    const shown = new Set(all ? found : found.slice(0, rowsAtOnce()));
    for (const row of rows) row.hidden = !shown.has(row);
    const total = rows.length.toLocaleString('en-US');
    count.textContent = found.length < rows.length ?
      found.length.toLocaleString('en-US') + ' of ' + total + ' rows' : total + ' rows';
    more.hidden = shown.size === found.length;
    more.textContent = 'Show all ' + found.length.toLocaleString('en-US');
  };

  const sort = (k, falling) => {
    const keys = new Map(rows.map((row) => [row, row.cells[k] ? valueOf(row.cells[k]) : '']));
    const given = rows.map((row) => keys.get(row)).filter((value) => !isMissing(value));
    const numeric = given.length > 0 && given.every((value) => !isNaN(numberOf(value)));
    descending = falling === undefined ? (k === sortedBy ? !descending : numeric) : falling;
    sortedBy = k;
    const order = (a, b) => {
      const x = keys.get(a), y = keys.get(b);
      if (isMissing(x) || isMissing(y)) return isMissing(x) - isMissing(y);
      const difference = numeric ? numberOf(x) - numberOf(y) : x.localeCompare(y, 'en');
      return descending ? -difference : difference;
    };
    const kept = new Set(found);
    rows.sort(order);
    body.append(...rows);
    found = rows.filter((row) => kept.has(row));
    headers.forEach((header, each) => {
      if (each === k) header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    });
    picker.value = String(k);
    show();
  };

  const picker = make('select', {className: 'picker'});
  picker.setAttribute('aria-label', 'Sort ' + name);
  picker.append(make('option', {value: '-1', textContent: 'Sort by …', disabled: true}));
  headers.forEach((header, k) => {
    const title = shownText(header);
    picker.append(make('option', {value: String(k), textContent: title}));
    if (rows.length < 2) return;
    const button = make('button', {type: 'button', className: 'sort'});
    button.append(...header.childNodes);
    button.addEventListener('click', () => sort(k));
    header.append(button);
  });
  picker.value = '-1';
  picker.addEventListener('change', () => sort(Number(picker.value)));
  const turn = make('button', {type: 'button', className: 'picker', textContent: '\u21c5'});
  turn.setAttribute('aria-label', 'Reverse the order');
  turn.addEventListener('click', () => { if (sortedBy >= 0) sort(sortedBy); });

  if (rows.length > ROWS_WITHOUT_SEARCH) {
    const search = make('input', {type: 'search', placeholder: 'Search'});
    search.setAttribute('aria-label', 'Search in ' + name);
    const texts = new Map();
    search.addEventListener('input', () => {
      if (texts.size === 0) for (const row of rows) texts.set(row, row.textContent.toLowerCase());
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = rows.filter((row) => words.every((word) => texts.get(row).includes(word)));
      show();
    });
    tools.append(search, count);
  } else {
    tools.classList.add('lone');
  }
  if (rows.length > 1) tools.append(picker, turn);
  const csv = make('button', {type: 'button', className: 'csv', textContent: 'Save as CSV'});
  csv.setAttribute('aria-label', 'Save ' + name + ' as CSV');
  csv.addEventListener('click', () => {
    const foot = table.tFoot && found.length === rows.length ? [...table.tFoot.rows] : [];
    const file = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60);
    save((file || 'table') + '.csv', csvOf(headers, [...found, ...foot].map(cellsOf)));
  });
  tools.append(csv);
  const frame = table.closest('.scroll') || table;
  frame.before(tools);
  frame.after(more);
  more.addEventListener('click', () => { all = true; show(); });
  show();

  const label = () => {
    if (labelled || !narrow.matches) return;
    labelled = true;
    const titles = headers.map(shownText);
    for (const row of table.querySelectorAll('tbody tr, tfoot tr')) {
      cellsOf(row).forEach((cell, k) => { cell.dataset.label = titles[k] || ''; });
    }
  };
  narrow.addEventListener('change', () => { label(); show(); });
  label();
};

// The text of a plot shrinks with it: below a readable size the plot scrolls sideways instead.
const fit = () => {
  for (const plot of document.querySelectorAll('svg')) {
    if (!narrow.matches) { plot.style.minWidth = ''; continue; }
    const sizes = [...plot.querySelectorAll('text')].map(
      (text) => parseFloat(getComputedStyle(text).fontSize));
    if (sizes.length === 0) continue;
    plot.style.minWidth =
      Math.ceil(plot.viewBox.baseVal.width * READABLE / Math.min(...sizes)) + 'px';
  }
};

for (const table of document.querySelectorAll('table')) enhance(table);
narrow.addEventListener('change', fit);
fit();
})();
)js";

}  // namespace unlasting::report
