#!/usr/bin/env python3
"""metrics --rule of the built program: files of every layout score alike, and bad ones are named."""
import json
import pathlib
import subprocess
import sys
import tempfile

import anndata
import numpy as np
import scipy.sparse

program, data = sys.argv[1], pathlib.Path(sys.argv[2]) / "tests/data/rules"
work = pathlib.Path(tempfile.mkdtemp())
RULES = ("vcc2026", "cell-eval")


def call(rule, truth, predicted, column="target", control="non-targeting"):
    for name, side in (("truth", truth), ("predicted", predicted)):
        side.write_h5ad(work / f"{name}.h5ad")
    return subprocess.run(
        [program, "metrics", "--rule", rule, "--truth", str(work / "truth.h5ad"), "--predicted",
         str(work / "predicted.h5ad"), "--groupby", column, "--control-label", control, "--json"],
        capture_output=True, text=True)


def scores(*arguments, **named):
    done = call(*arguments, **named)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refuses(words, *arguments, **named):
    done = call(*arguments, **named)
    assert done.returncode == 2, (words, done.returncode, done.stdout[:200])
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def read():
    return (anndata.read_h5ad(data / f"syn_{name}.h5ad") for name in ("real", "pred"))


def stored(side, layout, kind):
    side.X = {"csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_matrix,
              "dense": lambda x: x.toarray()}[layout](side.X.astype(kind))
    return side


def chosen(side, keep):
    return side[np.asarray(keep)].copy()


def changed(side, change):
    values = side.X.toarray().astype(np.float64)
    side.X = scipy.sparse.csr_matrix(change(values, side.obs["target"].to_numpy()))
    return side


def every_layout_scores_alike():
    for rule in RULES:
        expected = scores(rule, *read())
        for layout in ("csr", "csc", "dense"):
            for kind in ("f4", "f8", "i4", "u2"):
                found = scores(rule, *(stored(side, layout, kind) for side in read()))
                assert found == expected, (rule, layout, kind)


def the_order_of_genes_does_not_matter_where_both_sides_share_it():
    order = np.random.default_rng(0).permutation(next(read()).n_vars)
    expected = scores("vcc2026", *read())
    found = scores("vcc2026", *(side[:, order].copy() for side in read()))
    for member, value in expected["aggregate"].items():
        assert abs(found["aggregate"][member] - value) < 1e-9, member
    truth, predicted = read()
    for rule in RULES:
        refuses(["predicted.h5ad: var", "another order"], rule, truth, predicted[:, order].copy())
        refuses(["predicted.h5ad: var", "3 genes missing"], rule, truth, predicted[:, 3:].copy())


def a_control_of_another_name_in_another_column_serves_as_well():
    expected = scores("cell-eval", *read())
    sides = list(read())
    for side in sides:
        side.obs["guide"] = side.obs.pop("target").astype(str).replace("non-targeting", "A b")
    found = scores("cell-eval", *sides, column="guide", control="A b")
    assert found["aggregate"] == expected["aggregate"]
    refuses(["no column 'target'", "--groupby"], "cell-eval", *sides)
    refuses(["no control cell", "--control-label"], "cell-eval", *sides, column="guide")


def a_group_that_one_side_lacks_is_named():
    for rule in RULES:
        truth, predicted = read()
        for label, words in (("g042", ["g042", "same perturbations"]),
                             ("non-targeting", ["no control cell", "--control-label"])):
            refuses(["predicted.h5ad: obs", *words], rule, truth,
                    chosen(predicted, predicted.obs["target"] != label))
            refuses(["truth.h5ad: obs", *words], rule, chosen(truth, truth.obs["target"] != label),
                    predicted)


def values_of_another_scale_are_named():
    truth, predicted = read()
    for change in (lambda x, _: np.log1p(x), lambda x, _: x * 1.5):
        refuses(["predicted.h5ad: X", "counts"], "vcc2026", truth, changed(predicted, change))
        _, predicted = read()
    refuses(["log1p", "one scale"], "cell-eval", truth,
            changed(predicted, lambda x, _: np.log1p(x)))
    for value in (np.nan, -1):
        def put(x, _, value=value):
            x[3, 5] = value
            return x
        for rule in RULES:
            _, predicted = read()
            refuses(["predicted.h5ad: X", "cell 3", predicted.var_names[5]], rule, truth,
                    changed(predicted, put))


def one_cell_per_group_leaves_values_missing_with_reasons():
    for rule in RULES:
        truth, predicted = (chosen(side, ~side.obs.duplicated("target")) for side in read())
        found = scores(rule, truth, predicted)
        missing = [name for name, value in found["aggregate"].items() if value is None]
        assert missing
        for name in missing:
            assert found["reasons"][f"aggregate.{name}"], name
    truth, predicted = read()
    assert scores("vcc2026", truth, chosen(predicted, ~predicted.obs.duplicated("target") |
                  (predicted.obs["target"] == "non-targeting")))["average"] is not None


def groups_without_cells_or_counts_are_remarked_on():
    for rule in RULES:
        truth, predicted = read()
        truth.obs["target"] = truth.obs["target"].cat.add_categories(["g099"])
        empty = changed(predicted, lambda x, label: np.where((label == "g042")[:, None], 0, x))
        found = scores(rule, truth, empty)
        assert any("g099 without a cell" in remark for remark in found["remarks"]), found["remarks"]
        assert any("predicted.h5ad: the cells of g042 hold no counts" in remark
                   for remark in found["remarks"]), found["remarks"]
        assert "g042" in found["perturbations"] and "g099" not in found["perturbations"]


def a_cell_without_a_label_is_named():
    for rule in RULES:
        truth, predicted = read()
        predicted.obs["target"] = predicted.obs["target"].where(np.arange(predicted.n_obs) != 3)
        refuses(["predicted.h5ad: obs: cell 3"], rule, truth, predicted)


def the_page_says_before_any_number_where_the_average_means_nothing():
    for name, broken in (("syn", False), ("thp1", True)):
        page = work / f"{name}.html"
        done = subprocess.run(
            [program, "metrics", "--rule", "vcc2026", "--truth", str(data / f"{name}_real.h5ad"),
             "--predicted", str(data / f"{name}_pred.h5ad"), "--groupby", "target", "--control-label",
             "non-targeting", "--report", str(page), "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        text = page.read_text().replace("<wbr>", "")  # where long names may break
        found = json.loads(done.stdout)
        for member in found["aggregate"]:
            assert f"<th>{member}</th>" in text, member
        for perturbation in found["perturbations"]:
            assert f"<tr><th>{perturbation}</th>" in text, perturbation
        assert ("means nothing here" in text[:text.index("<td>")]) == broken, name


for test in (every_layout_scores_alike,
             the_order_of_genes_does_not_matter_where_both_sides_share_it,
             a_control_of_another_name_in_another_column_serves_as_well,
             a_group_that_one_side_lacks_is_named, values_of_another_scale_are_named,
             one_cell_per_group_leaves_values_missing_with_reasons,
             groups_without_cells_or_counts_are_remarked_on, a_cell_without_a_label_is_named,
             the_page_says_before_any_number_where_the_average_means_nothing):
    test()
    print(test.__name__)
