"""GEARS (cell-gears 0.1.2) at its defaults: hidden 64, batches of 32, rate 1e-3, 20 epochs. Its GO annotation comes from
a server; here it is made from Debian's r-bioc-org.hs.eg.db (environments.sh). Its predict() returns one mean per
condition; the network's output for every control cell is kept in its place."""
import os
import pickle
import shutil
import sqlite3
import sys
import tempfile

import numpy as np
from cells import Task, dense, genes_of

import torch
from gears import GEARS, PertData
from gears.utils import create_cell_graph_for_prediction
from torch_geometric.loader import DataLoader

EPOCHS = 20

task = Task(__doc__)
torch.set_num_threads(1)
torch.manual_seed(task.seed)
np.random.seed(task.seed)
out = os.path.abspath(task.out)
work = tempfile.mkdtemp()
os.chdir(work)  # its cache of GO similarities, data/go_essential_NAME.csv, is shared by name
os.makedirs("data")


def annotation(path):
    """Gene symbol -> its GO terms, of all three branches."""
    terms = {}
    with sqlite3.connect(path) as database:
        for table in ("go_bp", "go_mf", "go_cc"):
            for symbol, term in database.execute(
                    f"SELECT symbol, go_id FROM gene_info JOIN {table} ON gene_info._id = {table}._id"):
                terms.setdefault(symbol, set()).add(term)
    return terms


go = annotation(os.environ["RIVALS_GO"])
pickle.dump(go, open("gene2go_all.pkl", "wb"))
training = task.training.copy()
training.obs["condition"] = [c if "+" in c or c == "ctrl" else c + "+ctrl" for c in training.obs["condition"]]
known = np.array([all(gene in go for gene in genes_of(c)) for c in training.obs["condition"]])
for condition in sorted(set(training.obs["condition"][~known])):
    print(f"left out of training: {condition}: no GO term", flush=True)
training = training[known].copy()
training.var["gene_name"] = training.var_names.values
everything = list(training.obs["condition"]) + [condition for condition, _ in task.groups]
asked = {gene for condition in everything for gene in genes_of(condition) if gene in go}
if not asked:
    for condition, _ in task.groups:
        task.cannot("a perturbation that is no gene", condition)
    task.save()
pickle.dump(sorted(asked | {gene for gene in training.var_names if gene in go}), open("set.pkl", "wb"))
data = PertData(work, gene_set_path=work + "/set.pkl")
data.new_data_process("cells", training)
conditions = sorted(set(training.obs["condition"]))
# It validates on its training conditions, so that none is lost.
pickle.dump({"train": conditions, "val": conditions, "test": conditions[:1]}, open("split.pkl", "wb"))
data.prepare_split("custom", split_dict_path=work + "/split.pkl")
data.seed, data.train_gene_set_size = task.seed, 0.75
data.get_dataloader(32, 128)
task.lap("load")
model = GEARS(data, device="cpu")
model.model_initialize(hidden_size=64)
model.train(epochs=EPOCHS, lr=1e-3)
task.lap("train")
index = {gene: k for k, gene in enumerate(model.pert_list)}
network = model.best_model.eval()
for condition, cell_type in task.groups:
    genes = genes_of(condition)
    if any(gene not in index for gene in genes):
        task.cannot("a gene without GO term", condition)
        continue
    graphs = [create_cell_graph_for_prediction(cell[None], [index[gene] for gene in genes], genes)
              for cell in dense(task.controls(cell_type))]
    with torch.no_grad():
        task.add(np.vstack([network(batch).numpy() for batch in DataLoader(graphs, 300)]), condition, cell_type)
task.lap("predict")
shutil.rmtree(work)
task.out = out
task.save(epochs=EPOCHS)
sys.stdout.flush()
os._exit(0)  # at the end of its pool of workers Python may wait forever
