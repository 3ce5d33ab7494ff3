// Prints the SHA-256 of a prediction of the model's own cells, row after row as float32, for
// scripts/interop.sh: every language's is the same.
//
//   node digest.js ADDRESS MODEL CELL_TYPE CELLS GENE

import { createHash } from "node:crypto";

import { Client } from "../src/index.js";

const [address, model, cellType, cells, gene] = process.argv.slice(2);
const client = new Client(address);
const { profiles } = await client.predictAll({
  model, panel: { cellType, cells: Number(cells) }, perturbations: [{ genes: { genes: [gene] } }],
});
console.log(createHash("sha256").update(new Uint8Array(profiles[0].buffer)).digest("hex"));
client.close();
